"""The chain as the server goes on with it, and the file under it, when things go wrong."""

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from strongroom.audit_chain import head_file, link_of, read_head
from strongroom.audit_files import rotated
from strongroom.cli.main import main
from strongroom.server.audit.chained import Chained
from strongroom.server.audit.log import LogSink
from strongroom.server.audit.logfile import LogFile
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.rotation import Rotation
from strongroom.server.metrics import Metrics
from tests.server.audit.test_log import Clock

EVENT = b'{"auditID":"%d","stageTimestamp":"2026-01-01T00:00:00.000000Z"}\n'


class Place:
    """A log with its key; each ``opened`` is a run of a server."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "audit.log"
        self.key = directory / "keys" / "the.audit.key"
        self.made = 0

    @contextmanager
    def opened(self, rotation: Rotation = Rotation()) -> Iterator[LogFile]:  # noqa: B008 - frozen
        chained = Chained(self.key, self.path)
        file = LogFile(self.path, Clock(), rotation, chained)
        yield file
        file.close()
        chained.close()

    def events(self, count: int) -> list[bytes]:
        self.made += count
        return [EVENT % number for number in range(self.made - count, self.made)]

    def verified(self) -> str:
        """What ``strongroom audit verify`` says of it."""
        arguments = ["--log", str(self.path), "--key-file", str(self.key)]
        done = CliRunner().invoke(main, ["audit", "verify", *arguments])
        assert done.exit_code in (0, 3), done.output
        return done.output


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_goes_on_behind_a_restart(place: Place) -> None:
    for _ in range(3):
        with place.opened() as log:
            log.append(place.events(2))
            log.append(place.events(1))
    assert place.verified().startswith("whole: 9 events in 1 file, 1 to 9")
    assert place.key.stat().st_mode & 0o777 == 0o600
    assert head_file(place.key).stat().st_mode & 0o777 == 0o600


def test_it_goes_on_over_rotations(place: Place) -> None:
    with place.opened(Rotation(max_bytes=1000, compress=True)) as log:
        for _ in range(20):
            log.append(place.events(2))
    with place.opened(Rotation(max_bytes=1000, compress=True)) as log:
        log.append(place.events(1))
        log._tidier and log._tidier.join()  # type: ignore[func-returns-value]  # waits, if there is one
    files = rotated(place.path)
    assert len(files) > 3
    assert {file.suffix for file in files} == {".gz"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert place.verified().startswith(f"whole: 41 events in {len(files) + 1} files, 1 to 41")


def test_what_is_not_kept_is_removed_and_not_missed(place: Place) -> None:
    with place.opened(Rotation(max_bytes=1000, keep=2)) as log:
        for _ in range(20):
            log.append(place.events(2))
    assert len(rotated(place.path)) == 2
    told = place.verified()
    assert told.startswith("whole: ")
    assert "in 3 files" in told
    rotated(place.path)[0].unlink()
    assert "removed: events" in place.verified()


def an_old_log(place: Place) -> list[Path]:
    """Five events of long ago in as many files and one in the log itself; the files."""
    with place.opened(Rotation(max_bytes=1)) as log:
        for _ in range(6):
            log.append([event.replace(b"2026", b"2025") for event in place.events(1)])
    return rotated(place.path)


def test_what_is_too_old_is_removed(place: Place) -> None:
    oldest = an_old_log(place)[0]
    oldest.rename(oldest.with_name("audit-2025-01-01T00-00-00.000.log"))
    with place.opened(Rotation(max_age=30)):
        pass
    assert len(rotated(place.path)) == 4
    assert place.verified().startswith("whole: 5 events in 5 files, 2 to 6")


def test_what_others_removed_is_missed_after_the_server_removes_some_too(place: Place) -> None:
    first, second, third, *_ = an_old_log(place)
    second.unlink()
    third.unlink()
    first.rename(first.with_name("audit-2025-01-01T00-00-00.000.log"))
    with place.opened(Rotation(max_age=30)):
        pass
    assert not first.exists()
    assert "removed: events 2 to 3 are missing" in place.verified()


def test_files_with_an_old_name_are_missed_if_their_events_are_not_old(place: Place) -> None:
    with place.opened(Rotation(max_bytes=1)) as log:
        for _ in range(3):
            log.append(place.events(1))
    for day, file in enumerate(rotated(place.path), 1):
        file.rename(file.with_name(f"audit-2025-01-0{day}T00-00-00.000.log"))
    with place.opened(Rotation(max_age=30)):
        pass
    assert rotated(place.path) == []
    assert "removed: events 1 to 2 are missing" in place.verified()


def test_files_of_others_do_not_drive_out_those_of_the_server_unseen(place: Place) -> None:
    last = an_old_log(place)[-1]
    for day in range(1, 4):
        copy = last.with_name(f"audit-2027-01-0{day}T00-00-00.000.log")
        copy.write_bytes(last.read_bytes() if day == 1 else b"{}\n")
    with place.opened(Rotation(keep=3)):
        pass
    assert len(rotated(place.path)) == 3
    told = place.verified()
    assert "events 1 to 4 are missing" in told


@pytest.mark.parametrize("cut", [1, 40, 10_000])
def test_a_kill_in_the_middle_of_a_line_is_no_tampering(place: Place, cut: int) -> None:
    with place.opened() as log:
        log.append(place.events(3))
    whole = place.path.read_bytes()
    head = head_file(place.key).read_bytes()
    with place.opened() as log:
        log.append(place.events(3))
    # As of a server that was killed while it wrote: the head is behind, a line is unfinished.
    place.path.write_bytes(place.path.read_bytes()[: max(len(whole) + 20, -cut)])
    head_file(place.key).write_bytes(head)
    assert "whole: " in place.verified()
    with place.opened() as log:
        log.append(place.events(2))
    assert place.verified().startswith("whole: ")
    assert "unfinished" not in place.verified()


def test_a_cut_before_a_restart_stays_visible(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with place.opened() as log:
        log.append(place.events(5))
    lines = place.path.read_bytes().splitlines(keepends=True)
    place.path.write_bytes(b"".join(lines[:3]))
    with caplog.at_level(logging.ERROR), place.opened() as log:
        log.append(place.events(1))
    assert "the audit log ends before its last event" in caplog.text
    assert "removed: events 4 to 5 are missing" in place.verified()


@pytest.mark.parametrize("what", ["missing", "damaged"])
def test_without_a_head_the_log_says_where_it_goes_on(place: Place, what: str) -> None:
    with place.opened() as log:
        log.append(place.events(5))
    head = head_file(place.key)
    head.unlink() if what == "missing" else head.write_text("x")
    with place.opened() as log:
        log.append(place.events(1))
    assert "whole: 6 events in 1 file, 1 to 6" in place.verified()


def test_a_long_tail_is_found(place: Place) -> None:
    with place.opened() as log:
        log.append(place.events(1))
        head = head_file(place.key).read_bytes()
        log.append(place.events(2000))
    head_file(place.key).write_bytes(head)
    with place.opened() as log:
        log.append(place.events(1))
    assert place.verified().startswith("whole: 2002 events in 1 file, 1 to 2002")


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Files cannot become larger than this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_line_and_recovers(place: Place) -> None:
    metrics = Metrics()
    with place.opened() as file:
        sink = LogSink(file, Losses("log", metrics.audit_errors, Clock()))
        sink.append(place.events(2))
        size = place.path.stat().st_size
        with full_at(size + 300):
            for _ in range(4):
                with pytest.raises(OSError, match="File too large"):
                    sink.append(place.events(2))
        assert place.path.stat().st_size == size
        sink.append(place.events(1))
    assert b'apiserver_audit_error_total{plugin="log"} 8.0' in metrics.render()
    told = place.verified()
    assert "note: 8 events could not be written, as the log itself says" in told
    assert "whole: 3 events in 1 file, 1 to 3" in told


async def test_an_insistent_log_keeps_what_the_disk_does_not_take(place: Place) -> None:
    with place.opened() as file:
        losses = Losses("log", Metrics().audit_errors, Clock())
        sink = LogSink(file, losses, insistent=True)
        sink.write(place.events(1)[0])
        assert await sink.settle()
        with full_at(place.path.stat().st_size + 10):
            sink.write(place.events(1)[0])
            assert not await sink.settle()
            sink.write(place.events(1)[0])
            assert not await sink.settle()
        assert await sink.settle()
    assert place.verified().startswith("whole: 3 events in 1 file, 1 to 3")


def test_a_log_that_was_taken_away_begins_anew(place: Place) -> None:
    class Later(Clock):
        def monotonic(self) -> float:
            return self.now().timestamp()

    chained = Chained(place.key, place.path)
    log = LogFile(place.path, Later(), Rotation(), chained)
    log.append(place.events(2))
    place.path.unlink()
    log.append(place.events(2))
    log.close()
    chained.close()
    links = map(link_of, place.path.read_bytes().splitlines(keepends=True))
    assert [link.sequence for link in links if link is not None] == [3, 4]
    assert "events 1 to 2 are missing" in place.verified()


def test_a_rotation_that_fails_loses_no_event(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with place.opened(Rotation(max_bytes=300)) as log:
        log.append(place.events(2))
        # Nobody can open more files: the old one is renamed, and goes on.
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            log.append(place.events(2))
            log.append(place.events(2))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert caplog.text.count("another audit log cannot be begun") == 1
    (file,) = rotated(place.path)
    assert len(file.read_bytes().splitlines()) == 6
    with place.opened() as log:
        log.append(place.events(1))
    assert place.verified().startswith("whole: 7 events in 2 files, 1 to 7")


def test_the_head_tells_of_the_last_line(place: Place) -> None:
    with place.opened() as log:
        log.append(place.events(4))
    head, last = (
        read_head(head_file(place.key)),
        place.path.read_bytes().splitlines(keepends=True)[-1],
    )
    link = link_of(last)
    assert head is not None
    assert link is not None
    assert (head.sequence, head.mac, head.floor) == (4, link.mac, 0)
