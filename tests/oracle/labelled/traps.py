"""Labelled traps with usage: how it is stated, who copies it, and which copy is billed.

Does not own exchanges without usage (``silences``) nor lines that must be refused (``refusals``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bodies import AI21, HABITS, OPENAI, cut_stream, plain_body, usage_of, usages
from maker import BASE, DAY, EDGE, MOMENT, OPEN
from wire import Tokens

if TYPE_CHECKING:
    from maker import Maker, Trap

# --- measured ---------------------------------------------------------------------------------------------------------


def plain_usage(make: Maker) -> None:
    for name, (usage, tokens, model) in usages(*make.tokens()).items():
        exchange = make.exchange(response=make.plain(usage, **({"model": model} if model else {})))
        make.log(exchange, f"usage/{name}", "measured", tokens, "billed")


def stream_usage(make: Maker) -> None:
    for name, habit in HABITS.items():
        prompt, completion = make.tokens()
        model = make.chance.choice([None, *make.models])
        transcript = habit.transcript(make.new_id(), usage_of(prompt, completion), make.text(), model)
        make.log(make.exchange(response=transcript), f"stream/{name}", "measured", Tokens(completion, prompt), "billed")


def names_and_tiers(make: Maker) -> None:
    """The response's model wins over the request's; tiers are apart on the invoice; one usage covers every choice."""
    for tier in ("flex", "batch", None):
        prompt, completion = make.tokens()
        body = make.plain(usage_of(prompt, completion), model=make.chance.choice(make.models), service_tier=tier)
        make.log(
            make.exchange(response=body, model="asked-for"),
            "names-and-tiers",
            "measured",
            Tokens(completion, prompt),
            "billed",
        )


def no_model_at_all(make: Maker) -> None:
    prompt, completion = make.tokens()
    make.log(
        make.exchange(response=make.plain(usage_of(prompt, completion)), model=""),
        "no-model",
        "measured",
        Tokens(completion, prompt),
        "billed",
    )


def odd_routes(make: Maker) -> None:
    for path in ("/v1/chat/completions/?api-version=1", "/llm/route-7", None, "/openai/deployments/x/chat/completions"):
        prompt, completion = make.tokens()
        make.log(
            make.exchange(response=make.plain(usage_of(prompt, completion)), path=path),
            "odd-route",
            "measured",
            Tokens(completion, prompt),
            "billed",
        )


def error_after_usage(make: Maker) -> None:
    prompt, completion = make.tokens()
    transcript = (
        OPENAI.transcript(make.new_id(), usage_of(prompt, completion), "x") + 'data: {"error": {"message": "late"}}\n\n'
    )
    make.log(make.exchange(response=transcript), "error-after-usage", "measured", Tokens(completion, prompt), "billed")


def under_an_error_status(make: Maker) -> None:
    """What was stated was consumed, whatever status and route say."""
    for status, path in ((499, "/v1/chat/completions"), (500, "/v1/chat/completions"), (504, "/llm/ask")):
        prompt, completion = make.tokens()
        exchange = make.exchange(response=make.plain(usage_of(prompt, completion)), status=status, path=path)
        make.log(exchange, "under-an-error-status", "measured", Tokens(completion, prompt), "billed")


def embeddings(make: Maker) -> None:
    body = {"object": "list", "data": [{"embedding": [0.25]}], "usage": {"prompt_tokens": 12, "total_tokens": 12}}
    make.log(make.exchange(response=body, path="/v1/embeddings"), "embeddings", "measured", Tokens(0, 12), "billed")


def anthropic(make: Maker) -> None:
    usage = {"input_tokens": 12, "output_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2}
    message = {"id": make.new_id(), "type": "message", "role": "assistant", "content": [], "usage": usage}
    make.log(
        make.exchange(response=message, path="/v1/messages"),
        "anthropic",
        "measured",
        Tokens(3, 19, cached=5, write=2),
        "billed",
    )


def usage_in_parts(make: Maker) -> None:
    """Of each count the last real number."""
    prompt, completion = make.tokens()
    delta = {"index": 0, "delta": {"content": "a"}}
    for first, last in (
        ({"prompt_tokens": prompt}, {"completion_tokens": completion}),
        (usage_of(prompt, 0), {"prompt_tokens": 0, "completion_tokens": completion, "total_tokens": completion}),
        (usage_of(prompt, 1), {"completion_tokens": completion}),
    ):
        response_id = make.new_id()
        transcript = "".join(
            OPENAI.event({"id": response_id, "choices": [delta], "usage": usage}) for usage in (first, last)
        )
        make.log(make.exchange(response=transcript), "usage-in-parts", "measured", Tokens(completion, prompt), "billed")


def harmless_twins(make: Maker) -> None:
    """A key stated twice, alike, or in a field that nobody reads, changes nothing."""
    line = make.rendered(
        make.exchange(response=plain_body(make.new_id(), {"prompt_tokens": 31, "completion_tokens": 5}, "x")),
        is_edge=False,
    )
    make.raw(
        b'{"host":"a","host":"a","status":200,"latency":1,"latency":2,' + line[1:],
        "harmless-twins",
        "measured",
        tokens=Tokens(5, 31),
        fate="billed",
    )


def odd_spellings(make: Maker) -> None:
    """What decides no bill may be anything; what decides one may be written in several ways."""
    line = json.loads(make.rendered(make.exchange(response=make.plain(usage_of(31, 5))), is_edge=False))
    line |= {"ts": "2026-10-01T00:00:00Z"}
    spellings: list[dict[str, object]] = [
        *({"status": status} for status in ("200", 200.0, "200.0", "-", 0, 99, "600", True, 200.5, None)),
        *(
            {"ts": ts}
            for ts in (
                "2026-10-01T02:00:00,5+0200",
                "2026-10-01 00:00:00 +00",
                "1790812800.25",
                1790812800123456,
                1790812800123456789,
            )
        ),
        *({"request_id": name} for name in ("two words", "|7d.4f.", "r" * 257, "\u00fc" * 90, ["r"], 1.5)),
        *(
            {"request": asked}
            for asked in (
                [],
                "x",
                3,
                {"n": "2"},
                {"stream": "yes"},
                {"model": ["m"]},
                {"model": "schl\u00fcssel 50%"},
                {"model": "m" * 129},
            )
        ),
        *({name: value} for name, value in (("method", ["POST"]), ("latency", "slow"))),
    ]
    for spelling in spellings:
        body = plain_body(make.new_id(), usage_of(31, 5), "x")
        make.raw(
            json.dumps({**line, "response": body, **spelling}).encode(),
            "odd-spelling",
            "measured",
            tokens=Tokens(5, 31),
            fate="billed",
        )
    for text in (b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"[" * 70 + b"]" * 70, b"[" * 20_000 + b"]" * 20_000):
        body = json.dumps(plain_body(make.new_id(), usage_of(31, 5), "x") | {"note": "?"})
        content = (
            json.dumps({**line, "response": body, "note": "?"}).encode().replace(b'"note": "?"', b'"note": ' + text)
        )
        make.raw(content.replace(b'\\"?\\"', text), "odd-spelling", "measured", tokens=Tokens(5, 31), fate="billed")


def bytes_of_nobody(make: Maker) -> None:
    """Bytes that are no UTF-8 change nothing where they decide nothing, and take an id that is not needed with them."""
    for odd in (b"\xff", b"\xed\xa0\x80", b"caf\xe9"):
        for place in ("note", "text", "request"):
            exchange = make.exchange(response=plain_body(make.new_id(), usage_of(31, 5), "ZZZ"))
            text = make.rendered(exchange, is_edge=False)
            changed = {
                "note": b'{"note":"' + odd + b'",' + text[1:],
                "text": text.replace(b"ZZZ", odd),
                "request": text.replace(str(exchange.request_id).encode(), odd),
            }
            make.raw(changed[place], "bytes-of-nobody", "measured", tokens=Tokens(5, 31), fate="billed")


# --- copies -----------------------------------------------------------------------------------------------------------


def copies_everywhere(make: Maker) -> None:
    """Same file and other files, other spacing, later times: the earliest is billed."""
    prompt, completion = make.tokens()
    exchange = make.exchange(response=plain_body(make.new_id(), usage_of(prompt, completion), make.text()))
    for number in range(make.chance.randint(2, 4)):
        copy = replace(
            exchange,
            at=exchange.at + number * make.chance.choice([MOMENT, timedelta(hours=7)]),
            request_id=make.new_id(),
        )
        line = make.log(
            copy,
            "copies",
            "measured",
            Tokens(completion, prompt),
            "duplicate" if number else "billed",
            make.chance.choice(BASE),
        )
        if number == 1:
            make.raw(line, "copies", "measured", tokens=Tokens(completion, prompt), fate="duplicate")


def copies_by_request_id(make: Maker) -> None:
    prompt, completion = make.tokens()
    exchange = make.exchange(response=make.plain(usage_of(prompt, completion), None))
    for number, fate in enumerate(["billed", "duplicate"]):
        copy = replace(exchange, at=exchange.at + number * DAY)
        make.log(copy, "copies-by-request-id", "measured", Tokens(completion, prompt), fate, make.chance.choice(BASE))


def copies_by_line(make: Maker) -> None:
    """Without any id the whole line is the identity: equal bytes are a copy, one microsecond later is not."""
    file = make.chance.choice(BASE)
    exchange = make.exchange(response=make.plain(usage_of(40, 2), None), request_id=None, at=make.instant())
    line = make.log(exchange, "copies-by-line", "measured", Tokens(2, 40), "billed", file)
    make.raw(line, "copies-by-line", "measured", file, tokens=Tokens(2, 40), fate="duplicate")
    make.log(replace(exchange, at=exchange.at + MOMENT), "copies-by-line", "measured", Tokens(2, 40), "billed", file)


def same_id_other_key(make: Maker) -> None:
    response_id, (first, second) = make.new_id(), make.chance.sample(make.keys, 2)
    for key in (first, second):
        make.log(
            make.exchange(response=make.plain(usage_of(50, 5), response_id), key=key),
            "same-id-other-key",
            "measured",
            Tokens(5, 50),
            "billed",
        )


def ids_that_repeat(make: Maker) -> None:
    """At the edge response ids are not unique: request ids decide."""
    key, model, request_id = make.chance.choice(make.keys), make.chance.choice(make.models), make.new_id()
    for number, (request, fate) in enumerate(
        [(request_id, "billed"), (request_id, "duplicate"), (make.new_id(), "billed")]
    ):
        response = make.plain(usage_of(60, 6), "chatcmpl-150")
        exchange = make.exchange(response=response, key=key, model=model, request_id=request)
        at = datetime(2026, 10, 5, number, tzinfo=UTC)
        make.log(replace(exchange, at=at), "ids-that-repeat", "measured", Tokens(6, 60), fate, make.chance.choice(EDGE))


def ids_that_callers_choose(make: Maker) -> None:
    """Many requests under one response id where both ids decide: each is billed, a second shipment of one is not."""
    key, response_id, request_id = make.chance.choice(make.keys), make.new_id(), make.new_id()
    requests = [(request_id, "billed"), (make.new_id(), "billed"), (request_id, "duplicate"), (None, "billed")]
    exchange = make.exchange(key=key)
    for number, (request, fate) in enumerate(requests):
        response = make.plain(usage_of(50, 6), response_id)
        copy = replace(exchange, at=exchange.at + number * MOMENT, request_id=request, response=response)
        make.log(copy, "ids-that-callers-choose", "measured", Tokens(6, 50), fate, make.chance.choice(OPEN))


def another_model_under_one_id(make: Maker) -> None:
    """The same usage, and another price: the earlier is billed, the other is a conflict."""
    models = make.chance.sample(make.models, 2)
    exchange, response_id = make.exchange(), make.new_id()
    for hours, model, fate in [(0, models[0], "billed"), (1, models[1], "conflict"), (2, models[0], "duplicate")]:
        response = make.plain(usage_of(90, 7), response_id)
        copy = replace(exchange, at=exchange.at + timedelta(hours=hours), model=model, response=response)
        make.log(copy, "another-model", "measured", Tokens(7, 90), fate, make.chance.choice(BASE))


def conflict(make: Maker) -> None:
    """Different usage under one identity.

    The later usage is billed, its copies are duplicates, those of the others conflicts.
    """
    exchange, response_id, (prompt, completion) = make.exchange(), make.new_id(), make.tokens()
    story = [(0, 0, "conflict"), (1, 5, "billed"), (2, 0, "conflict"), (3, 5, "duplicate")]
    for hours, more, fate in story[: make.chance.choice([2, 3, 4])]:
        response = make.plain(usage_of(prompt, completion + more), response_id)
        copy = replace(exchange, at=exchange.at + timedelta(hours=hours), response=response)
        make.log(copy, "conflict", "measured", Tokens(completion + more, prompt), fate, make.chance.choice(BASE))


def conflict_of_three(make: Maker) -> None:
    exchange, response_id = make.exchange(), make.new_id()
    for hours, completion, fate in [(2, 30, "billed"), (1, 90, "conflict"), (0, 60, "conflict"), (1.5, 60, "conflict")]:
        copy = replace(
            exchange,
            at=exchange.at + timedelta(hours=hours),
            response=make.plain(usage_of(70, completion), response_id),
        )
        make.log(copy, "conflict-of-three", "measured", Tokens(completion, 70), fate, make.chance.choice(BASE))


def conflict_at_one_instant(make: Maker) -> None:
    exchange, response_id = make.exchange(), make.new_id()
    for prompt, completion, fate in [(80, 8, "conflict"), (80, 9, "billed"), (900, 8, "conflict")]:
        copy = replace(exchange, response=make.plain(usage_of(prompt, completion), response_id))
        make.log(
            copy, "conflict-at-one-instant", "measured", Tokens(completion, prompt), fate, make.chance.choice(BASE)
        )


def placeholder_copies(make: Maker) -> None:
    """Zeros beside an answer are no measurement: they lose to real usage, earlier or later."""
    for story in ([(0, 0), (1, 7)], [(0, 7), (1, 0)], [(0, 0), (1, 0)]):
        exchange, response_id = make.exchange(), make.new_id()
        for hours, size in story:
            copy = replace(
                exchange,
                at=exchange.at + timedelta(hours=hours),
                response=make.plain(usage_of(size * 10, size), response_id),
            )
            file = make.chance.choice(BASE)
            if size:
                make.log(copy, "placeholder-copies", "measured", Tokens(size, size * 10), "billed", file)
            else:
                make.log(copy, "placeholder-copies", "unknown", file=file)


def cut_here_whole_there(make: Maker) -> None:
    exchange, response_id, (prompt, completion) = make.exchange(), make.new_id(), make.tokens()
    text = "six tokens of text, I think it is"
    whole = replace(
        exchange,
        at=exchange.at + timedelta(hours=1),
        response=AI21.transcript(response_id, usage_of(prompt, completion), text),
    )
    cut = replace(exchange, response=cut_stream(AI21, response_id, text))
    broken = replace(exchange, response={"id": response_id, "error": {"message": "x"}})
    make.log(cut, "cut-here-whole-there", "estimated", Tokens(7, 0), "lost", make.chance.choice(BASE))
    make.log(broken, "cut-here-whole-there", "failed", file=make.chance.choice(BASE))
    make.log(whole, "cut-here-whole-there", "measured", Tokens(completion, prompt), "billed", make.chance.choice(BASE))


def half_a_cent(make: Maker) -> None:
    """Exactly 0.005 of the currency, alone on its line: where the two roundings part."""
    number, at = make.serial, datetime(2026, 10, 7, 12, tzinfo=UTC)
    exchange = make.exchange(
        key="key_half",
        model="one-a-million",
        at=at,
        response=make.plain({"prompt_tokens": 5_000, "completion_tokens": 0}),
    )
    if not any(label.trap == "half-a-cent" for lines in make.lines.values() for _, label in lines):
        make.log(exchange, "half-a-cent", "measured", Tokens(0, 5_000), "billed")
    make.serial = number + 1


COMMON: tuple[Trap, ...] = (plain_usage, stream_usage, names_and_tiers, copies_everywhere, conflict)
RARE: tuple[Trap, ...] = (
    *(no_model_at_all, odd_routes, error_after_usage, harmless_twins, odd_spellings, bytes_of_nobody, half_a_cent),
    *(under_an_error_status, embeddings, anthropic, usage_in_parts),
    *(copies_by_request_id, copies_by_line, same_id_other_key, ids_that_repeat),
    *(
        ids_that_callers_choose,
        another_model_under_one_id,
        conflict_of_three,
        conflict_at_one_instant,
        placeholder_copies,
        cut_here_whole_there,
    ),
)
