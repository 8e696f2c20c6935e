"""Whoever calls: every stated token is billed or listed, and what decides no bill changes no byte of one."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import account, make_workspace, plain, stream, tallybook, write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-05T00:00:00Z")
ACCOUNTS = account("acme", "key_a", "key_b") + account("birke", "key_c", timezone="America/New_York")
KEYS = ["key_a", "key_b", "key_c", "key_of_nobody"]
HELD = "2026-12-24"
"""A day that has not come."""
MODELS = ["jamba-large", "jamba-large-1.7", "no-rate"]
SOURCES = """
[[sources]]
name = "gateway"
paths = ["logs/*"]
identity = "{}"
"""
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))]


def instant(chance: random.Random) -> str:
    """Few enough that callers meet in one second; some have not come yet."""
    day = chance.choice(["2026-09-30", "2026-10-01", "2026-10-31", HELD])
    return f"{day}T{chance.choice([0, 4, 23]):02}:{chance.choice([0, 59]):02}:{chance.choice([0, 1, 59]):02}Z"


def hostile_line(chance: random.Random) -> tuple[str, int]:
    """A line whose ids, models and status its caller chose among a few, and the tokens that it states."""
    key, response_id = chance.choice(KEYS), chance.choice(["a", "b", "resp-1", "0", ""])
    prompt, completion = chance.choice([(1, 1), (700, 30), (700, 31), (10**12 - 5, 5), (chance.randrange(1, 10**6), 9)])
    more: dict[str, Any] = {"status": chance.choice([200, 200, 200, 499, 500])}
    request_id = chance.choice(["a", "b", "resp-1", None, f"own-{chance.randrange(10)}"])
    if request_id is not None:
        more["request_id"] = request_id
    ts, model = instant(chance), chance.choice(MODELS)
    if chance.random() < 0.2:
        is_stated = chance.random() < 0.7
        usage = (prompt, completion) if is_stated else None
        line = stream(ts, id=response_id, pieces=["To", "day"], usage=usage, key=key, model=model, **more)
        # What is held is told with its estimates; of an error nothing is estimated, and a client that left is none.
        estimated = 2 if ts.startswith(HELD) and more["status"] in (200, 499) else 0
        return line, prompt + completion if is_stated else estimated
    return plain(
        ts, id=response_id, prompt=prompt, completion=completion, key=key, model=model, **more
    ), prompt + completion


def invoiced_tokens(root: Path) -> int:
    rows: list[dict[str, str]] = []
    for path in (root / "invoices").glob("*/lines.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    return sum(int(row["quantity"]) for row in rows if row["kind"] == "usage")


def of_lost_copies(root: Path) -> int:
    done = tallybook(root, "usage", "--by", "status,fate", "-o", "json")
    rows = [row for row in json.loads(done.stdout) if row["fate"] != "survivor" and row["status"] == "measured"]
    return sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows)


def held_tokens(warnings: list[str]) -> int:
    return sum(int(text.split(" with ")[1].split()[0]) for text in warnings if "has not come: held" in text)


@pytest.mark.long
@pytest.mark.parametrize("identity", ["response-id", "request-id", "both"])
@pytest.mark.parametrize("seed", SEEDS)
def test_tokens_billed_and_listed_are_the_tokens_stated(tmp_path: Path, seed: int, identity: str) -> None:
    chance = random.Random(f"{seed} {identity}")
    root = make_workspace(tmp_path / "books", config=SOURCES.format(identity), accounts=ACCOUNTS)
    made = [hostile_line(chance) for _ in range(300)]
    made += [(line, tokens) for line, tokens in chance.choices(made, k=20)]  # shipped twice
    made += [(line.replace('"response": ', '"response": 5, "was": ', 1), 0) for line, _ in made[:5]]  # states nothing
    made += [(plain("no instant", id="q", prompt=600, completion=number), 600 + number) for number in range(1, 6)]
    chance.shuffle(made)
    write_log(root, "a.jsonl", *(line for line, _ in made[:150]))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    write_log(root, "b.jsonl", *(line for line, _ in made[150:]))
    done = tallybook(root, "nightly", *AS_OF, "--json")
    assert done.returncode == 0, done.stderr
    night = json.loads(done.stdout)
    counts = night["counts"]
    assert counts["quarantined"] == 10
    refused = sum(row["prompt_tokens"] + row["completion_tokens"] for row in night["quarantined"])
    unbilled = counts["unpriced_tokens"], counts["unassigned_tokens"]
    held = held_tokens([each["text"] for each in night["warnings"]])
    assert min(*unbilled, counts["suspicious"], held, refused) > 0
    found = invoiced_tokens(root) + sum(unbilled) + of_lost_copies(root) + held + refused
    assert found == sum(tokens for _, tokens in made)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_what_other_callers_send_changes_nobodys_bill(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [line for line, _ in (hostile_line(chance) for _ in range(300))]
    totals = []
    for name, keys in (("alone", {"key_c"}), ("among-others", set(KEYS))):
        root = make_workspace(tmp_path / name, accounts=ACCOUNTS)
        write_log(root, "a.jsonl", *(line for line in lines if json.loads(line)["api_key_id"] in keys))
        assert tallybook(root, "nightly", *AS_OF).returncode == 0
        totals.append(files_of(root, "birke"))
    assert totals[0] == totals[1] != {}


def files_of(root: Path, account: str) -> dict[str, list[str]]:
    found = {}
    for path in sorted((root / "invoices").rglob("*.csv")):
        rows = [row for row in path.read_text(encoding="utf-8").splitlines() if f",{account}," in row]
        if rows:
            found[path.relative_to(root).as_posix()] = rows
    return found


def bill(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted((root / "invoices").rglob("*.csv"))}


def in_request(**fields: Any) -> Callable[[str], str]:
    def changed(line: str) -> str:
        document = json.loads(line)
        return json.dumps(document | {"request": document["request"] | fields})

    return changed


def in_answer(**fields: Any) -> Callable[[str], str]:
    """Change the first choice of a plain answer; a stream stays."""

    def changed(line: str) -> str:
        document = json.loads(line)
        if isinstance(document["response"], dict):
            document["response"]["choices"][0] |= fields
        return json.dumps(document)

    return changed


def at_the_top(**fields: Any) -> Callable[[str], str]:
    return lambda line: json.dumps(json.loads(line) | fields)


def with_a_prompt_that_states_a_key_twice(line: str) -> str:
    return line.replace(
        '"request": {', '"request": {"messages": [{"role": "user", "role": "user", "n": 1, "n": 2}], ', 1
    )


DECIDES_NOTHING: list[Callable[[str], str]] = [
    in_request(n=3),
    in_request(n=-1),
    in_request(n="many"),
    in_request(n=2**70),
    in_request(stream="yes"),
    in_request(stream=17),
    in_request(model="asked-for-another"),
    in_request(model=["no", "name"]),
    in_request(temperature=10**400),
    in_answer(finish_reason="length"),
    in_answer(finish_reason=7),
    in_answer(finish_reason={"type": "stop"}),
    in_answer(logprobs={"content": [{"token": "x", "logprob": -1e5}]}),
    in_answer(logprobs="none"),
    at_the_top(request_id="chosen"),
    at_the_top(request_id=["ill", "formed"]),
    at_the_top(request_id=12),
    at_the_top(latency_ms="fast", host=[]),
    at_the_top(method=5),
    with_a_prompt_that_states_a_key_twice,
    lambda line: line,
]


def reported(line: str, number: int) -> str:
    """State the model and a response id in the answer, so that nothing of the request decides."""
    document = json.loads(line)
    model, response_id = document["request"]["model"], f"resp-{number}"
    if isinstance(document["response"], str):
        document["response"] = "".join(
            f"data: {json.dumps(json.loads(event.removeprefix('data: ')) | {'model': model, 'id': response_id})}\n\n"
            if event.startswith("data: {")
            else f"{event}\n\n"
            for event in document["response"].split("\r\n\r\n")[:-1]
        )
    else:
        document["response"] |= {"model": model, "id": response_id}
    return json.dumps(document)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_a_field_that_decides_no_bill_changes_no_byte_of_it(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    made = [hostile_line(chance)[0] for _ in range(200)]
    # Every fifth is a copy of the one before, with an id that two lines share.
    lines = [reported(line, number - (number % 5 == 4)) for number, line in enumerate(made)]
    changed = [chance.choice(DECIDES_NOTHING)(chance.choice(DECIDES_NOTHING)(line)) for line in lines]
    assert sum(map(str.__ne__, lines, changed)) > 150
    bills = []
    for name, logged in (("plain", lines), ("changed", changed)):
        root = make_workspace(tmp_path / name, accounts=ACCOUNTS)
        write_log(root, "a.jsonl", *logged)
        done = tallybook(root, "nightly", *AS_OF, "--json")
        assert json.loads(done.stdout)["counts"]["quarantined"] == 0
        bills.append(bill(root))
    assert bills[0] == bills[1] != {}
