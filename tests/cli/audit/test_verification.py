"""Whatever is done to a log is noticed: any changes at all, by chance."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.audit_chain import Chain, ChainKey, Head
from strongroom.cli.audit.logs import Line
from strongroom.cli.audit.verification import Report, Verifier
from tests.cli.audit.conftest import event

KEY = ChainKey(bytes(range(32)))
COUNT = 12


def _linked() -> tuple[tuple[bytes, ...], Head]:
    chain = Chain(KEY)
    lines = tuple(chain.link(event(number)) for number in range(1, COUNT + 1))
    return lines, Head(chain.sequence, chain.mac, 0, "-")


LINES, HEAD = _linked()
FOREIGN = Chain(ChainKey(bytes(32)), 3).link(event(4))

POSITION = st.integers(0, COUNT - 1)
CHANGE = st.one_of(
    st.tuples(st.just("remove"), POSITION, POSITION),
    st.tuples(st.just("swap"), POSITION, POSITION),
    st.tuples(st.just("copy"), POSITION, POSITION),
    st.tuples(st.just("insert"), POSITION, st.sampled_from([event(4), FOREIGN, b"\n", b"{}\n"])),
    st.tuples(st.just("edit"), POSITION, st.integers(0, 180)),
)


def changed(lines: list[bytes], change: tuple[str, int, int | bytes]) -> list[bytes]:
    what, at, more = change
    at = min(at, len(lines) - 1)
    if not lines:
        return lines
    match what, more:
        case "remove", int():
            return lines[:at] + lines[at + 1 :]
        case "swap", int(other):
            other = min(other, len(lines) - 1)
            lines = list(lines)
            lines[at], lines[other] = lines[other], lines[at]
            return lines
        case "copy", int(other):
            return [*lines[:at], lines[min(other, len(lines) - 1)], *lines[at:]]
        case "insert", bytes(line):
            return [*lines[:at], line, *lines[at:]]
        case "edit", int(byte):
            edited = bytearray(lines[at])
            edited[min(byte, len(edited) - 2)] ^= 1
            return [*lines[:at], bytes(edited), *lines[at + 1 :]]
    raise AssertionError(change)


def verified(lines: list[bytes]) -> Report:
    verifier = Verifier(KEY, HEAD, {})
    for number, line in enumerate(lines, 1):
        # Three files.
        verifier.take(Line(Path(f"{(number - 1) * 3 // COUNT}.log"), number, line))
    return verifier.finish(active=True, floor=0)


@settings(max_examples=300, deadline=None)
@given(st.lists(CHANGE, max_size=6))
def test_a_log_is_whole_only_as_it_was_written(changes: list[tuple[str, int, int | bytes]]) -> None:
    lines = list(LINES)
    for change in changes:
        lines = changed(lines, change)
    report = verified(lines)
    # Lines without a link before the first one are told as older than the chain.
    told = bool(report.findings or report.older)
    assert told is (lines != list(LINES)), (changes, report)


@given(st.integers(0, 10), st.integers(1, 500))
def test_what_was_lost_to_a_kill_is_no_finding(lines_behind: int, cut: int) -> None:
    chain = Chain(KEY, HEAD.sequence, HEAD.mac)
    more = [chain.link(event(13 + number)) for number in range(lines_behind)]
    unfinished = chain.link(event(30))[:-1][:cut]
    report = verified([*LINES, *more, unfinished])
    assert report.findings == []
    assert report.events == COUNT + lines_behind
