"""`strongroom restore`: makes a store from a backup, under keys of its own.

The whole file is read and checked first; only then are a key and a store made. Objects have their
uids and, in a file, their resource versions. Nobody can go on from a revision of the old store.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import msgspec

from strongroom.api.clock import Clock, SystemClock
from strongroom.api.times import format_time
from strongroom.backup.age import BadFile, Opener, Stanza, unlock
from strongroom.backup.age_keys import identities, unlock_by
from strongroom.backup.lines import BadBackup, Check, Head, records
from strongroom.paths import claim_data_dir, default_data_dir
from strongroom.server.encryption.options import (
    EncryptionOptions,
    add_encryption_options,
    encryption_options,
)
from strongroom.server.etcd_options import ETCD, EtcdOptions, add_etcd_options, etcd_options
from strongroom.server.options import store_url
from strongroom.server.process import harden
from strongroom.server.reloading import BadFile as BadConfiguration
from strongroom.server.storage import load_encrypting, open_store
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.port import EncryptionError, Transformer
from strongroom.storage.errors import StoreError
from strongroom.storage.filling import StoreExists, fill
from strongroom.storage.places import AUTHORITIES
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite_restore import GAP, restore_database

MARK = "/strongroom/restored"
"""Key of what the last restore was. It also holds the revision at which the store begins."""


Unwrap = Callable[[list[Stanza]], bytes]
"""Finds a file's key."""


class Refused(Exception):
    """What was asked for cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """The settings of one restore."""

    source: Path
    passphrase_file: Path | None
    identity: Path | None
    data_dir: Path
    store: str
    etcd: EtcdOptions
    replace: bool
    dry_run: bool
    encryption: EncryptionOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Restore; returns the exit code. Wrong usage exits with 2."""
    options = parse_restore_options(sys.argv[1:] if argv is None else argv)
    harden()
    try:
        for line in restore(options, _way_to_the_key(options), SystemClock()):
            sys.stdout.write(f"{line}\n")
    except (Refused, BadFile, BadBackup, BadConfiguration) as error:
        return _failed(str(error))
    except (EncryptionError, StoreError) as error:
        return _failed(f"not restored: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}")
    return 0


def parse_restore_options(argv: Sequence[str]) -> RestoreOptions:
    """Read a command line; prints usage and exits with 2 for anything unknown or wrong."""
    parser = _parser()
    values = vars(parser.parse_args(argv))
    try:
        encryption, etcd = encryption_options(values), etcd_options(values)
    except ValueError as error:
        parser.error(str(error))
    data_dir = (values.pop("data_dir") or default_data_dir()).expanduser().absolute()
    store = values.pop("store") or f"sqlite:{data_dir / 'store' / 'strongroom.db'}"
    return RestoreOptions(
        data_dir=data_dir, store=store, etcd=etcd, encryption=encryption, **values
    )


def restore(options: RestoreOptions, unwrap: Unwrap, clock: Clock) -> Iterator[str]:
    """Do it; yields what is to be told. Raises BadFile, BadBackup, Refused, StoreError, OSError."""
    with options.source.open("rb") as file:
        opener = Opener(file, unwrap)
        check = Check()
        for _ in records(opener.chunks(), check):
            pass
        head = check.finish()
        yield from _contents(head, check)
        if options.dry_run:
            return
        if options.store.startswith(ETCD):
            asyncio.run(_into_etcd(options, opener, head, clock))
            aside = None
        else:
            aside = _into_file(options, opener, head, clock)
    yield f"restored to {options.store}"
    if aside is not None:
        yield f"the store that was there is {aside}"


def _into_file(options: RestoreOptions, opener: Opener, head: Head, clock: Clock) -> Path | None:
    """Make the file; where the one that was there is now."""
    path = Path(options.store.removeprefix("sqlite:"))
    if path.exists() and not options.replace:
        raise StoreExists(
            f"there is a store already: {path}; --replace keeps it under another name"
        )
    claim_data_dir(options.data_dir)
    values = load_encrypting(options.data_dir, options.encryption, new=not path.exists()).values
    items = (_sealed(item, values) for item in _items(opener))
    return restore_database(
        path, items, _sealed(_mark(head, clock), values), replace=options.replace
    )


async def _into_etcd(options: RestoreOptions, opener: Opener, head: Head, clock: Clock) -> None:
    if options.replace:
        raise Refused("what an etcd holds is not replaced: name one that holds nothing of ours")
    claim_data_dir(options.data_dir)
    opened = await open_store(options.data_dir, options.store, options.encryption, options.etcd)
    try:
        store = EncryptedStore(opened.database, opened.encrypting.values)
        await fill(store, chain(_items(opener), [_mark(head, clock)]))
    finally:
        await opened.database.close()


def _items(opener: Opener) -> Iterator[KeyValue]:
    """The keys, in plain. Authorities stay behind: those of ``DIR/pki`` count."""
    for each in records(opener.chunks(), Check()):
        if each.key not in (MARK, AUTHORITIES):
            yield KeyValue(each.key, each.value, each.created, each.revision)


def _mark(head: Head, clock: Clock) -> KeyValue:
    told = {
        "restored": format_time(clock.now()),
        "backedUp": head.time,
        "revision": head.revision,
        "version": head.version,
    }
    revision = head.revision + GAP
    return KeyValue(MARK, msgspec.json.encode(told), revision, revision)


def _sealed(item: KeyValue, values: Transformer) -> KeyValue:
    """Encrypted to its place."""
    return replace(item, value=values.to_storage(item.value, context=item.key.encode()))


def _contents(head: Head, check: Check) -> Iterator[str]:
    yield (
        f"backup of {head.time}, by strongroom {head.version}: "
        f"{check.records} objects as of revision {head.revision}"
    )
    width = max(map(len, check.kinds), default=0)
    for kind, count in sorted(check.kinds.items()):
        yield f"  {kind:<{width}}  {count}"
    for each in check.unreadable:
        yield f"  left out: {each.key}: {each.why}"


def _way_to_the_key(options: RestoreOptions) -> Unwrap:
    """What opens the file. Raises OSError, Refused."""
    if options.identity is not None:
        try:
            known = identities(options.identity.read_text())
        except ValueError as error:
            raise Refused(f"{options.identity}: {error}") from None
        return lambda stanzas: unlock_by(known, stanzas)
    passphrase = _passphrase(options.passphrase_file)
    return lambda stanzas: unlock(stanzas, passphrase)


def _passphrase(path: Path | None) -> bytes:
    """Raises OSError, Refused."""
    if path is None:
        if not sys.stdin.isatty():
            raise Refused(
                "there is no terminal to ask for the passphrase: --passphrase-file FILE, or "
                "--identity FILE"
            )
        return getpass.getpass("Passphrase: ", sys.stderr).encode()
    lines = path.read_bytes().splitlines()
    return lines[0] if lines else b""


def _failed(text: str) -> int:
    sys.stderr.write(f"error: {text}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "strongroom restore",
        allow_abbrev=False,
        description="Make a store from a backup, under a key of its own. The server is not to run.",
        epilog="example: strongroom restore --input store.backup --data-dir ./room",
    )
    add = parser.add_argument
    add("--input", dest="source", type=Path, metavar="FILE", required=True, help="the backup")
    add(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="file whose first line is the passphrase (default: ask)",
    )
    add(
        "--identity",
        type=Path,
        metavar="FILE",
        help="identity file of age (age-keygen), for a backup that was made for recipients",
    )
    add("--data-dir", type=Path, metavar="DIR", help="of the server that will use the store")
    add(
        "--store",
        type=store_url,
        metavar="URL",
        help="sqlite:PATH (default: in the data directory), or etcd:https://HOST:PORT[,…]",
    )
    add(
        "--replace",
        action="store_true",
        help="put it in the place of a store that is there, which is kept under another name",
    )
    add("--dry-run", action="store_true", help="check the whole file and tell what is in it")
    add_etcd_options(parser)
    add_encryption_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
