"""Lines of a container's log, read by the kernel as they stand there: as who takes them out one by one reads them.

Each check of ``wrapped.h`` has lines here that would be read wrongly without it; usual ones stand around them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import FORMAT, fingerprint
from fuzzing import expected_rows, found_rows
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.block_lines import WrappedLines
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import BLANK as NOTHING
from pipeline.collectors.kernel.program import ODD as ODD_ONE
from pipeline.collectors.kernel.program import WRAPPERS as TAKEN_OFF
from pipeline.collectors.kernel.program import Program, ProgramFailed
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.collectors.logs.logical_lines import LogicalLines
from pipeline.collectors.wrappers import WRAPPERS

if TYPE_CHECKING:
    from pipeline.collectors.kernel.blocks import DecodedLines
    from pipeline.collectors.logs.lines import Line, Run

BY_NAME = {wrapper.name: wrapper for wrapper in WRAPPERS}
CRI = b"2026-03-01T06:51:19.123456789Z stdout F "
TIME = b'"time":"2026-03-01T06:51:19.123456789Z"'


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def said(number: int = 0, note: str = "") -> bytes:
    """Return a line of a request log."""
    usual = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r{number}", "api_key_id": "k", "status": 500}
    return json.dumps(usual | ({"note": note} if note else {}), ensure_ascii=False).encode()


def text(line: bytes, end: bytes = b"\\n") -> bytes:
    """Return a line as it stands in JSON, with its line end."""
    return json.dumps(line.decode())[1:-1].encode() + end


def entry(line: bytes, *, log: bytes | None = None, stream: bytes = b"stdout", time: bytes = TIME) -> bytes:
    """Return an entry of Docker's driver; ``log`` is what stands in it instead of the line."""
    return b'{"log":"%s","stream":"%s",%s}' % (text(line) if log is None else log, stream, time)


def put(wrapper: str, line: bytes) -> bytes:
    """Return a line as a logger writes it."""
    return entry(line) if wrapper == "docker" else CRI + line


def lines_of(wrapper: str, content: bytes) -> tuple[list[Line], LogicalLines]:
    splitter = LineSplitter([content], start=7, first_line=3, line_bytes_max=10**6)
    split = LogicalLines(splitter, BY_NAME[wrapper], bytes_max=10**6, closes=False)
    return [line for group in split for line in group], split


def taken_together(wrapper: str, content: bytes, rows_max: int = 10**6) -> tuple[Run | None, BlockDecoder]:
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    decoder.begin(said())
    lines = WrappedLines(
        memoryview(content), BY_NAME[wrapper], start=7, first_line=3, lines_max=min(rows_max, 2**32 - 1)
    )
    return decoder.decoded_wrapped(lines, rows_max), decoder


def compared(wrapper: str, *logged: bytes) -> DecodedLines:
    """Read lines by both readers, and return what the kernel's makes of them, which is the same."""
    content = b"".join(line + b"\n" for line in logged)
    run, _ = taken_together(wrapper, content)
    lines, split = lines_of(wrapper, content)
    rows = [decode_line(line, source="s", log_format=FORMAT, fingerprint=fingerprint) for line in lines]
    assert run is not None
    found: DecodedLines = run.found
    assert found_rows(found) == {
        line.number: expected_rows(each) for line, each in zip(lines, rows, strict=True) if each
    }
    assert (found.blank, found.joined) == (sum(not each for each in rows), sum(line.lines - 1 for line in lines))
    assert (run.size, run.lines) == (split.end - 7, split.next_line - 3)
    return found


USUAL = {
    "docker": {
        "a line": [entry(said(1))],
        "of the other stream": [entry(said(1), stream=b"stderr")],
        "of no stream": [b'{"log":"%s",%s}' % (text(said(1)), TIME)],
        "in another order, with blanks": [b' { "time" : "x" , "log" : "%s" } '.strip() % text(said(1))],
        "with attributes": [entry(said(1), time=TIME + b',"attrs":{"tag":"a/b","n":[1,{}]}')],
        "with CR": [entry(said(1), log=text(said(1), b"\\r\\n")) + b"\r"],
        "with a line end as a number": [entry(said(1), log=text(said(1), b"\\u000a"))],
        "not ASCII": [entry(said(1, "ü \U0001f600")), entry(b"", log=said(2, "ü").replace(b'"', b'\\"') + b"\\n")],
        "with escapes as the driver writes them": [entry(b"", log=text(said(1, "<b>")).replace(b"<", b"\\u003c"))],
        "in parts": [entry(b"", log=text(said(1)[:30], b"")), entry(said(1)[30:])],
        "in many parts": [*(entry(b"", log=text(b"%c" % byte, b"")) for byte in said(1)), entry(b"")],
        "of which a later part begins like an object": [entry(b"", log=text(b" ", b"")), entry(said(1))],
    },
    "cri": {
        "a line": [CRI + said(1)],
        "of the other stream, elsewhere": [b"2026-03-01T06:51:19+05:30 stderr F " + said(1)],
        "with CR": [CRI + said(1) + b"\r"],
        "not ASCII": [CRI + said(1, "ü \U0001f600")],
        "in parts, within a character": [
            *(CRI.replace(b"F ", b"P ") + b"%c" % byte for byte in said(1, "\U0001f600")),
            CRI,
        ],
    },
}
BLANK = {
    "text": [b"listening on :8080"],
    "nothing": [b"", b" "],
    "text with a quote": [b'said "hello'],
    "a name in quotes": [b'the "name" is'],
    "a name and no value": [b'the "name" : x'],
    "a name of nothing": [b'the "": 1'],
    "a long name": [b'"%s": 1' % (b"x" * 65)],
    "a name with an escape": [rb'"\a": 1', rb'"x\: 1'],
    "a colon elsewhere": [b'"a"\t: 1', b'"a" x: 1', b'"a" x1', b'"a":\t1'],
}
SAID = {
    "a name at the end": [b'x "a":1'],
    "a name between blanks": [b'x "a"  :  "', b'"a" : {', b'"a":[', b'"a":true', b'"a":false', b'"a":null', b'"a":9'],
    "a name behind another quote": [b'"" "x"y"a":1', b'"\\"a":1'],
    "a name that is as long as may be": [b'"%s": 1' % (b"x" * 64)],
    "a torn line": [said()[:40]],
    "JSON of a program's own": [b'{"level": "info"}', b"[]", b'[{"a": 1}]'],
}
P = CRI.replace(b"F ", b"P ")
NO_MEMBER = b'{"%s": 1}' % (b"x" * 65)
"""An object that is a line of its own, though nothing in it is taken for a member: its name is too long."""
ODD = {
    "docker": {
        "a bare line": [said(1), b"text", b""],
        "no object": [b"(" + entry(said(1))[1:]],
        "a member that the driver does not write": [entry(said(1), time=TIME + b',"more":"x"')],
        "no text": [b'{"log":7,%s}' % TIME, b'{"log":null,%s}' % TIME],
        "no instant": [b'{"log":"%s"}' % text(said(1))],
        "no line": [b"{%s}" % TIME],
        "a torn entry": [entry(said(1))[:-1], entry(said(1))[:-9]],
        "more behind an entry": [entry(said(1)) + b"x", entry(said(1)) + b"{}", entry(said(1)) + b"\0"],
        "what is around an entry": [b"\0" + entry(said(1)), b"\xef\xbb\xbf" + entry(said(1)), b" " + entry(said(1))],
        "a line end within": [entry(said(1) + b"\n" + said(2)), entry(said(1) + b"\n")],
        "a line end and no quote behind it": [b'{"log":"%sx,"time":"t"}' % text(said(1))],
        "no quote before a line": [b'{"log":x%s",%s}' % (text(said(1)), TIME)],
        "half a character": [entry(b"", log=text(said(1, "HERE")).replace(b"HERE", b"\\ud83d"))],
        "an instant that is no UTF-8": [entry(said(1), time=b'"time":"\xff"')],
        "a number that Python does not read": [entry(said(1), time=TIME + b',"attrs":' + b"9" * 5000)],
        "what only Python reads": [entry(said(1), time=TIME + b',"attrs":NaN')],
        "a member that is stated twice": [
            entry(said(1), time=b'"log":"%s",%s' % (text(said(2)), TIME)),
            entry(said(3), time=b'"log":7,%s' % TIME),
            entry(said(4), time=b'"stream":"stderr",%s' % TIME),
        ],
        "a name with an escape": [entry(said(1)).replace(b'"log"', b'"lo\\u0067"')],
        "parts of two streams": [
            entry(b"", log=text(said(1)[:30], b"")),
            entry(said(2), stream=b"stderr"),
            entry(b"", log=text(said(3)[:30], b""), stream=b"stderr"),
            entry(said(1)[30:]),
            entry(said(3)[30:], stream=b"stderr"),
        ],
        "a blank line of another stream between parts": [
            entry(b"", log=text(said(1)[:30], b"")),
            entry(b" ", stream=b"stderr"),
            entry(said(1)[30:]),
        ],
        "a bare line between parts": [entry(b"", log=text(said(1)[:30], b"")), said(2), entry(said(1)[30:])],
        "whoever was killed": [entry(b"", log=text(said(1)[:30], b"")), entry(said(2))],
        "two texts, the second an empty object": [entry(b"", log=text(b"text", b"")), entry(b"{}")],
        "two texts, the second without a member": [entry(b"", log=text(b"text", b"")), entry(NO_MEMBER)],
        "a CR between parts": [entry(b"", log=b'x \\"a\\":\\r'), entry(b"1 y")],
        "an empty part behind a CR": [entry(b"", log=text(said(1), b"\\r\\r")), entry(b"")],
    },
    "cri": {
        "a bare line": [said(1), b"text", b""],
        "no digit": [CRI.replace(b"2026", b"2x26") + said(1)],
        "no date": [CRI.replace(b"-", b"/", 1) + said(1), CRI.replace(b"T", b" ") + said(1)],
        "no time": [b"2026-03-01TZ stdout F " + said(1)],
        "no offset": [CRI.replace(b"Z", b"") + said(1)],
        "half an offset": [CRI.replace(b"Z", b"+02") + said(1), CRI.replace(b"Z", b"+0200") + said(1)],
        "another stream": [CRI.replace(b"stdout", b"stdlog") + said(1)],
        "another tag": [CRI.replace(b"F ", b"X ") + said(1)],
        "more tags": [CRI.replace(b"F ", b"F:x ") + said(1)],
        "no blank": [CRI.rstrip() + said(1), CRI.rstrip()],
        "a letter behind the tag": [CRI.replace(b"F ", b"Fx") + said(1)],
        "no UTF-8": [CRI + said(1, "HERE").replace(b"HERE", b"\xff")],
        "no UTF-8 in the first part": [P + said(1, "HERE").replace(b"HERE", b"\xff")[:-2], CRI + b'"}'],
        "what is around a line": [b"\0" + CRI + said(1), CRI + said(1) + b"\0", b"\xef\xbb\xbf" + CRI + said(1)],
        "NULs behind a part": [P + b'x "a":\0', CRI + b"1 y", P + b'x "a":\r\0\0', CRI + b"1 y"],
        "parts of two streams": [P + said(1)[:30], CRI.replace(b"stdout", b"stderr") + said(2), CRI + said(1)[30:]],
        "a bare line between parts": [P + said(1)[:30], said(2), CRI + said(1)[30:]],
        "whoever was killed": [P + said(1)[:30], CRI + said(2)],
        "two texts, the second an empty object": [P + b"text", CRI + b"{}"],
        "two texts, the second without a member": [P + b"text", CRI + NO_MEMBER],
        "a CR between parts": [P + b'x "a":\r', CRI + b"1 y"],
    },
}


def _fates(wrapper: str, logged: list[bytes]) -> list[int]:
    program = Program(FORMAT)  # in whose memory they lie
    fates: list[int] = program.read(b"".join(line + b"\n" for line in logged), wrapper=wrapper).fates.tolist()
    return fates


def _cases(*tables: dict[str, dict[str, list[bytes]]]) -> list[tuple[str, str]]:
    return [(wrapper, claim) for table in tables for wrapper, claims in table.items() for claim in claims]


@pytest.mark.parametrize(("wrapper", "claim"), _cases(USUAL))
def test_usual_lines_are_told_as_they_stand(wrapper: str, claim: str) -> None:
    logged = USUAL[wrapper][claim]
    found = compared(wrapper, put(wrapper, said(8)), *logged, put(wrapper, said(9)))
    assert found.told == 2 + len(logged) - found.joined
    assert ODD_ONE not in _fates(wrapper, logged)


@pytest.mark.parametrize(("wrapper", "claim"), _cases(ODD))
def test_odd_lines_are_for_who_takes_them_out_one_by_one(wrapper: str, claim: str) -> None:
    found = compared(wrapper, put(wrapper, said(8)), *ODD[wrapper][claim], put(wrapper, said(9)))
    assert found.told >= 2


@pytest.mark.parametrize("wrapper", TAKEN_OFF)
@pytest.mark.parametrize("claim", [*BLANK, *SAID])
def test_what_is_no_part_of_a_document_says_nothing(wrapper: str, claim: str) -> None:
    logged = [put(wrapper, line) for line in (BLANK | SAID)[claim]]
    found = compared(wrapper, put(wrapper, said(8)), *logged, put(wrapper, said(9)))
    if claim in BLANK:
        assert (found.blank, found.quarantined) == (len(logged), [])
        assert _fates(wrapper, logged) == [NOTHING] * len(logged)  # nobody else is asked
    else:
        assert found.blank <= 1


_CHARACTERS = st.sampled_from(('"', "\\", "/", "\b\f\r\t", "a", "bcdefghijklmnop", "é", "\U0001f600", "\x1f", "<"))


@pytest.mark.long
@given(words=st.lists(st.lists(_CHARACTERS, max_size=30).map("".join), max_size=6), escaped=st.booleans())
def test_whatever_a_container_writes_is_taken_out_as_python_does(words: list[str], *, escaped: bool) -> None:
    notes = [said(number, word + "x").decode() for number, word in enumerate(words)]
    entries = [{"log": note + "\n", "stream": "stdout", "time": word} for note, word in zip(notes, words, strict=True)]
    logged = [json.dumps(each, ensure_ascii=escaped).encode() for each in entries]
    found = compared("docker", *logged, entry(said(9)))
    assert found.told == len(logged) + 1


@pytest.mark.parametrize("wrapper", TAKEN_OFF)
def test_lines_end_where_none_goes_on(wrapper: str) -> None:
    whole = put(wrapper, said(1)) + b"\n"
    begun = entry(b"", log=text(said(2)[:30], b"")) if wrapper == "docker" else P + said(2)[:30]
    for behind in (b"", begun + b"\n", begun + b"\n" + begun, whole[:-1], whole[:20]):
        run, _ = taken_together(wrapper, whole * 2 + behind)
        assert run is not None
        assert (run.size, run.lines, run.found.told) == (2 * len(whole), 2, 2)
    run, _ = taken_together(wrapper, begun + b"\n")
    assert run is not None
    assert (run.size, run.lines) == (0, 0)


@pytest.mark.parametrize("wrapper", TAKEN_OFF)
def test_they_end_with_the_line_that_makes_the_rows_so_many(wrapper: str) -> None:
    several = put(wrapper, b"[%s]" % b", ".join(map(said, range(3)))) + b"\n"
    one, blank = put(wrapper, said(5)) + b"\n", put(wrapper, b"text") + b"\n"
    content = one + blank + several + blank + one + blank
    for rows_max, lines in ((1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (6, 6)):
        run, _ = taken_together(wrapper, content, rows_max)
        assert run is not None
        assert (run.lines, run.size) == (lines, sum(map(len, (one, blank, several, blank, one, blank)[:lines])))


ODD_PARTS = (b'{"log":"x","time":"t","stream":7}', entry(b"", log=text(said(2)[:30], b""), stream=b"stdxxx"))


@pytest.mark.parametrize("part", ODD_PARTS)
def test_an_odd_line_that_goes_on_is_for_who_takes_them_one_by_one(part: bytes) -> None:
    whole = entry(said(1)) + b"\n"
    rest = part + b"\n" + entry(said(2)[30:], stream=b"stderr") + b"\n" + whole * 2
    run, _ = taken_together("docker", whole + rest)
    assert run is not None
    assert (run.size, run.lines, run.found.told) == (len(whole), 1, 1)
    assert taken_together("docker", rest)[0] is None


def test_where_the_kernel_fails_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Program.read

    def fails(program: Program, content: bytes | memoryview, **options: Any) -> Any:
        if isinstance(content, bytes):
            message = "unreachable"
            raise ProgramFailed(message)
        return read(program, content, **options)

    monkeypatch.setattr(Program, "read", fails)
    assert taken_together("docker", entry(said(1)) + b"\n")[0] is not None
    with pytest.raises(ProgramFailed, match="the kernel failed at what lies in these lines"):
        taken_together("docker", entry(said(1)) + b"\n" + said(2) + b"\n")


def test_without_a_kernel_they_are_for_who_takes_them_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "take", lambda *_: None)
    assert taken_together("docker", entry(said(1)) + b"\n")[0] is None
