"""The process: reads a store and writes lines to its standard output, which is a pipe."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from strongroom.server.foreign.keys import Area, area
from strongroom.server.foreign.sources import Etcd, Item, SnapshotFile, Source
from strongroom.server.process import harden
from strongroom.snapshot.lines import CannotRead, Failed, Line, Stored, encode
from strongroom.storage.encryption.stored import look
from strongroom.storage.etcd_cluster import Credentials

if TYPE_CHECKING:
    from strongroom.server.foreign.opening import Opener


def main(argv: Sequence[str] | None = None) -> int:
    """Read; returns the exit code. What goes wrong is the last line."""
    given = _parser().parse_args(argv)
    harden()
    if sys.stdout.isatty():
        sys.stderr.write("error: values are not written to a terminal\n")
        return 2
    out = sys.stdout.buffer
    try:
        asyncio.run(_write(given))
    except (CannotRead, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return 1  # Nobody listens any more.
        out.write(encode(Failed(_text(error))))
        out.flush()
        return 1
    return 0


async def _write(given: argparse.Namespace) -> None:
    where = area(given.prefix, given.section)
    opener = _opener(given.encryption_provider_config) if given.values else None
    out = sys.stdout.buffer
    try:
        async with aclosing(lines(_source(given), where, opener)) as found:
            async for line in found:
                out.write(encode(line))
        out.flush()
    finally:
        if opener is not None:
            opener.close()


def _opener(configuration: Path | None) -> Opener:
    """Imported for those who want values alone: ciphers and kinds take a while to load."""
    from strongroom.server.foreign.opening import Opener

    return Opener(configuration)


async def lines(source: Source, where: Area, opener: Opener | None) -> AsyncGenerator[Line, None]:
    """What is in an area of a store, opened if need be. Raises CannotRead, OSError."""
    async with aclosing(source.read(where)) as found:
        async for each in found:
            yield _told(each, where, opener) if isinstance(each, tuple) else each


def _told(item: Item, where: Area, opener: Opener | None) -> Stored:
    key, value = item
    name, rest = where.parts(key)
    how = look(value)
    facts = name, rest, how.scheme, how.name, how.key_id
    if opener is None:
        return Stored(*facts)
    plain, problem = opener.open(name, key, value, how)
    return Stored(*facts, value=plain, problem=problem)


def _source(given: argparse.Namespace) -> Source:
    if given.snapshot is not None:
        return SnapshotFile(given.snapshot, history=not given.values)
    for url in given.etcd_servers:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CannotRead("expected members of etcd as https://HOST:PORT[,https://HOST:PORT]")
    files = Credentials(given.etcd_cafile, given.etcd_certfile, given.etcd_keyfile)
    return Etcd(given.etcd_servers, files)


def _text(error: CannotRead | OSError) -> str:
    if isinstance(error, CannotRead):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("strongroom.server.foreign", allow_abbrev=False)
    add = parser.add_argument
    add("--snapshot", type=Path, help="a file of etcdctl snapshot save")
    add("--etcd-servers", type=lambda text: text.split(","), help="members of an etcd")
    for name in ("cafile", "certfile", "keyfile"):
        add(f"--etcd-{name}", type=Path, help="files for TLS with etcd")
    add("--prefix", default="/registry", help="what all keys begin with")
    add("--section", action="append", default=[], help="what follows it in those to read")
    add("--values", action="store_true", help="tell the values too, decrypted")
    add("--encryption-provider-config", type=Path, help="what decrypts them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
