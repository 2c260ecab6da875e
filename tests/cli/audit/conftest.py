"""A log of three files, as a server leaves it, with key and head beside it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strongroom.audit_chain import Chain, ChainKey, HeadFile, head_file
from strongroom.cli.main import main

Lines = list[bytes]


def event(number: int) -> bytes:
    """An event as the server makes it; every other one has annotations."""
    annotations = b',"annotations":{"a":"b"}' if number % 2 else b""
    return b'{"auditID":"%d","stageTimestamp":"2026-01-01T00:00:%02d.000000Z"%b}\n' % (
        number,
        number,
        annotations,
    )


@dataclass
class Log:
    """The log: events 1 to 4, 5 to 8 (compressed) and 9 to 12."""

    directory: Path
    key: ChainKey
    linked: Lines

    @property
    def path(self) -> Path:
        return self.directory / "audit.log"

    @property
    def key_file(self) -> Path:
        return self.directory / "keys" / "the.audit.key"

    @property
    def files(self) -> tuple[Path, Path, Path]:
        stem = self.directory / "audit-2026-01-01T00-00-"
        return Path(f"{stem}04.000.log"), Path(f"{stem}08.000.log.gz"), self.path

    def write(self, lines: Lines, sizes: tuple[int, int] = (4, 4)) -> None:
        """Replace the files' content; the last file takes what is over."""
        old, packed, path = self.files
        first, second = sizes
        old.write_bytes(b"".join(lines[:first]))
        packed.write_bytes(gzip.compress(b"".join(lines[first : first + second])))
        path.write_bytes(b"".join(lines[first + second :]))

    def verify(self, *more: str) -> Result:
        arguments = ["--log", str(self.path), "--key-file", str(self.key_file), *more]
        return CliRunner().invoke(main, ["audit", "verify", *arguments])


@pytest.fixture
def make_log(tmp_path: Path) -> Callable[[], Log]:
    def make() -> Log:
        made = Log(tmp_path, ChainKey.create(tmp_path / "keys" / "the.audit.key"), [])
        chain = Chain(made.key)
        made.linked = [chain.link(event(number)) for number in range(1, 13)]
        made.write(made.linked)
        head = HeadFile(head_file(made.key_file))
        head.write(chain.sequence, chain.mac)
        head.close()
        return made

    return make


@pytest.fixture
def log(make_log: Callable[[], Log]) -> Log:
    return make_log()
