"""The atomic writer: its layout, its order, its leftovers, and readers that never see a mix."""

import os
import re
import stat
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from strongroom.node.atomicwriter import AtomicWriter, FileProjection, InvalidPayloadPath

_GENERATION = re.compile(r"\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\..+")


def files(**contents: str) -> dict[str, FileProjection]:
    return {name: FileProjection(text.encode(), 0o644) for name, text in contents.items()}


def visible(target: Path) -> dict[str, bytes]:
    """What a pod sees: every file by its user-visible path."""
    found = {}
    for folder, folders, names in os.walk(target, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith("..")]
        for name in names:
            path = Path(folder, name)
            found[str(path.relative_to(target))] = path.read_bytes()
    return found


def generations(target: Path) -> list[str]:
    return [path.name for path in target.iterdir() if _GENERATION.fullmatch(path.name)]


def test_the_layout(tmp_path: Path) -> None:
    payload = files(password="s3cret") | {
        "certs/tls/key": FileProjection(b"key", 0o400),
        ".dotfile": FileProjection(b"dot", 0o644),
    }
    assert AtomicWriter(tmp_path).write(payload) is True
    (generation,) = generations(tmp_path)
    assert (tmp_path / "..data").readlink() == Path(generation)
    assert {
        path.name: str(path.readlink()) for path in tmp_path.iterdir() if path.is_symlink()
    } == {
        "..data": generation,
        "password": "..data/password",
        "certs": "..data/certs",
        ".dotfile": "..data/.dotfile",
    }
    assert visible(tmp_path) == {"password": b"s3cret", "certs/tls/key": b"key", ".dotfile": b"dot"}


def test_modes_are_exact_whatever_the_umask(tmp_path: Path) -> None:
    modes = {"a": 0o400, "b": 0o777, "c": 0o644, "d": 0o000, "e": 0o4755}
    before = os.umask(0o077)
    try:
        AtomicWriter(tmp_path).write(
            {name: FileProjection(b"x", mode) for name, mode in modes.items()}
        )
    finally:
        os.umask(before)
    data = tmp_path / "..data"
    assert {name: stat.S_IMODE((data / name).stat().st_mode) for name in modes} == modes
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_the_projections(tmp_path: Path) -> None:
    AtomicWriter(tmp_path).write(
        {"theirs": FileProjection(b"x", 0o600, uid=1234), "ours": FileProjection(b"x", 0o600)}
    )
    assert (tmp_path / "theirs").stat().st_uid == 1234
    assert (tmp_path / "ours").stat().st_uid == 0


def test_equal_contents_write_nothing(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1", b="2"))
    before = generations(tmp_path)
    assert writer.write(files(b="2", a="1")) is False
    assert generations(tmp_path) == before


def test_equal_contents_restore_a_lost_link(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    (tmp_path / "a").unlink()
    assert writer.write(files(a="1")) is False
    assert visible(tmp_path) == {"a": b"1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (files(a="1"), files(a="2")),
        (files(a="1", b="2"), files(a="1")),
        (files(a="1"), files(a="1", b="2")),
        (files(a="1"), {}),
        ({}, files(a="1")),
        ({"d/x": FileProjection(b"1", 0o644)}, {"d/y": FileProjection(b"1", 0o644)}),
        ({"d/x": FileProjection(b"1", 0o644)}, files(d="1")),
        (files(d="1"), {"d/x": FileProjection(b"1", 0o644)}),
    ],
)
def test_every_kind_of_change_is_published(
    tmp_path: Path, before: Mapping[str, FileProjection], after: Mapping[str, FileProjection]
) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(before)
    old = generations(tmp_path)
    assert writer.write(after) is True
    assert visible(tmp_path) == {name: file.data for name, file in after.items()}
    assert len(generations(tmp_path)) == 1
    assert generations(tmp_path) != old


def test_an_empty_payload_still_has_a_data_directory(tmp_path: Path) -> None:
    assert AtomicWriter(tmp_path).write({}) is True
    assert list((tmp_path / "..data").iterdir()) == []
    assert AtomicWriter(tmp_path).write({}) is False


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", 'invalid path: must not be empty: ""'),
        ("/etc/passwd", "invalid path: must be relative path: /etc/passwd"),
        ("a/../b", "invalid path: must not contain '..': a/../b"),
        ("..", "invalid path: must not contain '..': .."),
        ("..data", "invalid path: must not start with '..': ..data"),
        ("./..data", "invalid path: must not start with '..': ..data"),
        ("x" * 256, "invalid path: filenames must be less than or equal to 255 characters"),
        ("a/" * 2048 + "b", "invalid path: must be less than or equal to 4096 characters"),
    ],
)
def test_a_bad_path_changes_nothing(tmp_path: Path, path: str, message: str) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    with pytest.raises(InvalidPayloadPath) as caught:
        writer.write(files(a="2") | {path: FileProjection(b"x", 0o644)})
    assert str(caught.value) == message
    assert visible(tmp_path) == {"a": b"1"}


@pytest.mark.parametrize("path", ["a..b", "d/..x", "x" * 255, "a//b", "./a", ".a", "a.."])
def test_an_odd_but_good_path_is_published(tmp_path: Path, path: str) -> None:
    AtomicWriter(tmp_path).write({path: FileProjection(b"x", 0o644)})
    assert (tmp_path / path).read_bytes() == b"x"


def test_permissions_are_set_before_anyone_can_see_the_files(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    seen = []

    def set_permissions(generation: Path) -> None:
        seen.append((generation.parent, (generation / "a").read_bytes(), visible(tmp_path)))
        (generation / "a").chmod(0o440)

    assert writer.write(files(a="2"), set_permissions)
    assert seen == [(tmp_path, b"2", {"a": b"1"})]
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o440
    assert writer.write(files(a="2"), set_permissions) is False
    assert len(seen) == 1


def test_a_failure_before_publishing_leaves_the_old_generation(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    before = sorted(path.name for path in tmp_path.iterdir())

    def refuse(_: Path) -> None:
        raise PermissionError("chown")

    with pytest.raises(PermissionError):
        writer.write(files(a="2", b="3"), refuse)
    with pytest.raises(OSError, match=r"exists|directory"):
        writer.write(files(a="2") | {"a/b": FileProjection(b"x", 0o644)})
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert visible(tmp_path) == {"a": b"1"}


def _crash(step: int) -> Callable[[Path], None]:
    """What a writer that died at a given step left behind, without its clean-up."""

    def leave(target: Path) -> None:
        orphan = target / "..2020_01_02_03_04_05.orphan"
        orphan.mkdir()
        (orphan / "a").write_text("half")
        if step >= 1:
            (target / "..data_tmp").symlink_to(orphan.name)
        if step >= 2:
            (target / "..data_tmp").replace(target / "..data")
        if step >= 3:
            (target / "gone").symlink_to("..data/gone")

    return leave


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("content", ["half", "2"])
def test_the_next_write_sweeps_up_after_a_crash(tmp_path: Path, step: int, content: str) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    _crash(step)(tmp_path)
    writer.write(files(a=content))
    assert visible(tmp_path) == {"a": content.encode()}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *sorted(["..data", *(p.name for p in tmp_path.iterdir() if p.name.startswith("..2"))]),
        "a",
    ]
    assert len([p for p in tmp_path.iterdir() if p.is_dir() and not p.is_symlink()]) == 1


def test_what_is_not_the_writers_own_stays(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)
    writer.write(files(a="1"))
    (tmp_path / "subpath-made-by-a-mount").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    writer.write(files(a="2"))
    assert (tmp_path / "subpath-made-by-a-mount").is_dir()
    assert (tmp_path / "link").is_symlink()


def test_no_value_is_in_a_repr() -> None:
    assert "hunter2" not in repr(FileProjection(b"hunter2", 0o600))


_KEYS = [f"key-{number}" for number in range(8)]


class _Reader(threading.Thread):
    """Pins `..data` once and reads every file of it, over and over; counts what it saw."""

    def __init__(self, target: Path, stop: threading.Event) -> None:
        super().__init__()
        self._target = target
        self._stopping = stop
        self.looked = threading.Event()
        self.mixed = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            pinned = os.open(self._target / "..data", os.O_PATH | os.O_DIRECTORY)
            try:
                contents = {_read_at(pinned, name) for name in _KEYS}
            except FileNotFoundError:
                # The pinned generation was removed meanwhile: it starts over, as pods do.
                continue
            finally:
                os.close(pinned)
            self.mixed += len(contents) != 1
            self.looked.set()


def test_a_reader_never_sees_a_mix(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)

    def publish(content: int) -> None:
        writer.write({name: FileProjection(b"%d" % content * 50, 0o644) for name in _KEYS})

    publish(0)
    stop = threading.Event()
    readers = [_Reader(tmp_path, stop) for _ in range(2)]
    for reader in readers:
        reader.start()
    for content in range(1, 300):
        publish(content % 10)
        assert all((tmp_path / name).exists() for name in _KEYS)
    for reader in readers:
        reader.looked.wait()
    stop.set()
    for reader in readers:
        reader.join()
    assert [reader.mixed for reader in readers] == [0, 0]


def _read_at(directory: int, name: str) -> bytes:
    fd = os.open(name, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


_names = st.text(alphabet="ab._-", min_size=1, max_size=3)
_payloads = st.dictionaries(
    # A file's name and a folder's name never meet: that's an error of its own, tested above.
    st.one_of(
        _names.map(lambda name: f"f{name}"),
        st.tuples(_names, _names).map(lambda pair: f"d{pair[0]}/n{pair[1]}"),
    ),
    st.builds(
        FileProjection, st.binary(max_size=64), st.sampled_from([0o400, 0o440, 0o644, 0o777])
    ),
    max_size=6,
)


class AnyHistory(RuleBasedStateMachine):
    """After any writes and crashes, the directory shows exactly the last payload."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.target = Path(self._folder.name)
        self.writer = AtomicWriter(self.target)
        self.last: dict[str, bytes] | None = None

    @rule(payload=_payloads)
    def write(self, payload: dict[str, FileProjection]) -> None:
        expected = {name: file.data for name, file in payload.items()}
        changed = self.writer.write(payload)
        assert changed is (self.last != expected)
        self.last = expected

    @rule()
    def crash_before_publishing(self) -> None:
        (self.target / "..2020_01_02_03_04_05.orphan").mkdir(exist_ok=True)
        if not (self.target / "..data_tmp").is_symlink():
            (self.target / "..data_tmp").symlink_to("..2020_01_02_03_04_05.orphan")

    @rule(payload=_payloads)
    def fail(self, payload: dict[str, FileProjection]) -> None:
        def refuse(_: Path) -> None:
            raise PermissionError

        if self.last != {name: file.data for name, file in payload.items()}:
            with pytest.raises(PermissionError):
                self.writer.write(payload, refuse)

    @invariant()
    def shows_the_last_payload(self) -> None:
        if self.last is not None:
            assert visible(self.target) == self.last

    def teardown(self) -> None:
        self._folder.cleanup()


# A busy machine is no failure. Every step writes real files: long histories would only take time.
AnyHistory.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnyHistory = AnyHistory.TestCase


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(payload=_payloads)
def test_a_write_is_what_the_pod_then_reads(payload: dict[str, FileProjection]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        AtomicWriter(Path(folder)).write(payload)
        assert visible(Path(folder)) == {name: file.data for name, file in payload.items()}
        assert len(generations(Path(folder))) == 1
