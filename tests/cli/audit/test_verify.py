"""`strongroom audit verify`: each change of a log is noticed, named, and told from the others."""

import json
from collections.abc import Callable

import pytest

from strongroom.audit_chain import Chain, ChainKey, HeadFile, head_file
from tests.cli.audit.conftest import Lines, Log, event


def test_a_whole_log_is_whole(log: Log) -> None:
    done = log.verify()
    assert done.exit_code == 0, done.output
    whole, span, checkpoint, key = done.output.splitlines()
    assert whole == "whole: 12 events in 3 files, 1 to 12"
    assert span == "from 2026-01-01T00:00:01.000000Z to 2026-01-01T00:00:12.000000Z"
    assert checkpoint.startswith("checkpoint 12:")
    assert key == f"key {log.key.id} in {log.key_file}"


def edited(lines: Lines) -> Lines:
    return [*lines[:5], lines[5].replace(b'"auditID":"6"', b'"auditID":"x"'), *lines[6:]]


def swapped(lines: Lines) -> Lines:
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


def copied(lines: Lines) -> Lines:
    return [*lines[:10], lines[2], *lines[10:]]


def forged(lines: Lines) -> Lines:
    return [*lines[:10], Chain(ChainKey(bytes(32)), 10).link(event(11)), *lines[10:]]


CHANGES: dict[str, tuple[Callable[[Lines], Lines], tuple[int, int], list[str]]] = {
    "edited": (
        edited,
        (4, 4),
        ["edited: event 6 (audit-2026-01-01T00-00-08.000.log.gz line 2) was changed"],
    ),
    "edited the first": (
        lambda lines: [lines[0].replace(b'"1"', b'"2"'), *lines[1:]],
        (4, 4),
        ["edited: event 1 (audit-2026-01-01T00-00-04.000.log line 1) was changed"],
    ),
    "edited the last": (
        lambda lines: [*lines[:11], lines[11].replace(b"12", b"13", 1)],
        (4, 4),
        ["edited: event 12 (audit.log line 4) was changed"],
    ),
    "edited, its link gone": (
        lambda lines: [*lines[:9], b"{}\n", *lines[10:]],
        (4, 4),
        ["edited: event 10 (audit.log line 2) was changed"],
    ),
    "removed": (
        lambda lines: [*lines[:9], *lines[10:]],
        (4, 4),
        ["removed: event 10 is missing, between audit.log line 1 and audit.log line 2"],
    ),
    "removed two and edited the next": (
        lambda lines: [lines[0], lines[3].replace(b'"4"', b'"5"'), *lines[4:]],
        (2, 4),
        [
            "edited: event 4 (audit-2026-01-01T00-00-04.000.log line 2) was changed",
            (
                "removed: events 2 to 3 are missing, between audit-2026-01-01T00-00-04.000.log "
                "line 1 and audit-2026-01-01T00-00-04.000.log line 2"
            ),
        ],
    ),
    "swapped": (
        swapped,
        (4, 4),
        ["moved: event 6 (audit-2026-01-01T00-00-08.000.log.gz line 3) stood elsewhere"],
    ),
    "cut at the end": (
        lambda lines: lines[:10],
        (4, 4),
        ["truncated: events 11 to 12 are missing at the end"],
    ),
    "cut in a line": (
        lambda lines: [*lines[:10], lines[10][:50]],
        (4, 4),
        ["truncated: events 11 to 12 are missing at the end"],
    ),
    "a file lost": (
        lambda lines: [*lines[:4], *lines[8:]],
        (4, 0),
        [
            (
                "lost file: events 5 to 8 are missing: a file was removed, or the end of one, "
                "between audit-2026-01-01T00-00-04.000.log line 4 and audit.log line 1"
            )
        ],
    ),
    "the first file lost": (
        lambda lines: lines[4:],
        (0, 4),
        [
            (
                "removed: events 1 to 4 are missing, between the beginning and "
                "audit-2026-01-01T00-00-08.000.log.gz line 1"
            )
        ],
    ),
    "a line of nobody's inserted": (
        lambda lines: [*lines[:10], event(11), *lines[10:]],
        (4, 4),
        ["inserted: audit.log line 3 is none of the server's"],
    ),
    "a forged line inserted": (
        forged,
        (4, 4),
        ["inserted: audit.log line 3 is none of the server's"],
    ),
    "a forged line behind the end": (
        lambda lines: [*lines, event(13)],
        (4, 4),
        ["inserted: audit.log line 5 is none of the server's"],
    ),
    "a copy inserted": (
        copied,
        (4, 4),
        ["inserted: audit.log line 3 is a copy of event 3"],
    ),
    "everything replaced": (
        lambda lines: [Chain(ChainKey(bytes(32))).link(event(1))],
        (0, 0),
        ["key: none of the events was written with this key"],
    ),
    "everything unlinked": (
        lambda lines: [event(number) for number in range(1, 13)],
        (4, 4),
        ["truncated: events 1 to 12 are missing at the end"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_is_told(log: Log, change: str) -> None:
    changed, sizes, told = CHANGES[change]
    log.write(changed(log.linked), sizes)
    done = log.verify("-o", "json")
    assert done.exit_code == 3, done.output
    facts = json.loads(done.output)
    assert [f"{finding['kind']}: {finding['text']}" for finding in facts["findings"]] == told


def test_a_newest_file_that_is_gone(log: Log) -> None:
    log.path.unlink()
    done = log.verify()
    assert done.exit_code == 3
    assert (
        "lost file: events 9 to 12 are missing at the end: the newest file is not there"
    ) in done.output


def test_a_damaged_file(log: Log) -> None:
    packed = log.files[1]
    packed.write_bytes(packed.read_bytes()[:-20])
    done = log.verify()
    assert done.exit_code == 3
    assert f"damaged: {packed.name} cannot be read to its end" in done.output


def test_an_unfinished_line_is_a_crash_and_no_change(log: Log) -> None:
    log.path.write_bytes(log.path.read_bytes() + Chain(log.key, 12).link(event(13))[:60])
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "note: audit.log line 5 is unfinished, as a killed server leaves it" in done.output


def test_lines_ahead_of_the_head_are_a_crash_and_no_change(log: Log) -> None:
    chain = Chain(log.key)
    assert all(chain.follow(line) for line in log.linked)
    log.path.write_bytes(log.path.read_bytes() + chain.link(event(13)) + chain.link(event(14)))
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "14 events in 3 files, 1 to 14" in done.output


def test_what_the_server_removed_itself_is_not_missing(log: Log) -> None:
    log.files[0].unlink()
    head = HeadFile(head_file(log.key_file))
    head.write_floor(4)
    head.write(12, log.linked[11][-36:-4].decode())
    head.close()
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "8 events in 2 files, 5 to 12" in done.output


def test_events_from_before_the_chain_are_no_change(log: Log) -> None:
    log.write([event(1), event(2), *log.linked], (6, 4))
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "note: 2 older events are from before the log was chained" in done.output


def test_events_that_could_not_be_written_are_told_of(log: Log) -> None:
    chain = Chain(log.key, 12, log.linked[11][-36:-4].decode())
    log.path.write_bytes(log.path.read_bytes() + chain.link(event(13), lost=7))
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "note: 7 events could not be written, as the log itself says" in done.output


@pytest.mark.parametrize("number", ["7", "9" * 5000])
def test_nobody_but_the_server_says_that_events_were_lost(log: Log, number: str) -> None:
    chain = Chain(log.key, 12, log.linked[11][-36:-4].decode())
    body = b'{"requestObject":{"chain.strongroom.io/lost":"%b"},"annotations":{"a":"b"}}\n'
    log.path.write_bytes(log.path.read_bytes() + chain.link(body % number.encode()))
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "could not be written" not in done.output


def test_a_checkpoint_proves_what_was_there(log: Log) -> None:
    checkpoint = json.loads(log.verify("-o", "json").output)["checkpoint"]
    assert log.verify("--checkpoint", checkpoint).exit_code == 0
    # Whoever has the key and the head as well can make another log, but not that one.
    chain = Chain(log.key)
    log.write([chain.link(event(number)) for number in range(20, 32)])
    head = HeadFile(head_file(log.key_file))
    head.write(chain.sequence, chain.mac)
    head.close()
    assert log.verify().exit_code == 0
    done = log.verify("--checkpoint", checkpoint)
    assert done.exit_code == 3
    assert "forked: event 12 is another one than was noted" in done.output
    wrong = log.verify("--checkpoint", "12")
    assert wrong.exit_code == 2
    assert "expected NUMBER:MAC" in wrong.output


def test_a_server_that_went_on_from_an_earlier_state(log: Log) -> None:
    chain = Chain(log.key, 8, log.linked[6][-36:-4].decode())
    log.write([*log.linked[:8], *(chain.link(event(number)) for number in range(9, 13))])
    done = log.verify()
    assert done.exit_code == 3
    assert "forked: event 9 (audit.log line 1) follows another event" in done.output


def test_a_missing_head_is_told_of(log: Log) -> None:
    head_file(log.key_file).unlink()
    done = log.verify()
    assert done.exit_code == 0, done.output
    assert "missing ends and first files are not noticed" in done.output


def test_a_key_that_others_read_is_refused(log: Log) -> None:
    log.key_file.chmod(0o644)
    done = log.verify()
    assert done.exit_code == 1
    assert "others may read this key" in done.output


@pytest.mark.parametrize("text", [b"", b"strongroom audit chain key, version 1\nid: x\nkey: y\n"])
def test_a_damaged_key_is_refused(log: Log, text: bytes) -> None:
    log.key_file.write_bytes(text)
    done = log.verify()
    assert done.exit_code == 1
    assert "is damaged" in done.output


def test_a_damaged_head_is_refused(log: Log) -> None:
    head_file(log.key_file).write_text("nonsense")
    done = log.verify()
    assert done.exit_code == 1
    assert "it does not tell where the log ends" in done.output
