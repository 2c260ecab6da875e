"""What several servers of one etcd have in common: the authority, and the keys that sign tokens.

They lie in the store, encrypted as everything of ours. Whoever starts first on an empty etcd puts
its own there; every other takes them from there into its ``DIR/pki``. So a certificate or token of
one server is good at all of them.

A signing key that somebody replaces at one server becomes that of all, and so does what is put into
or taken out of the public keys. For that each server remembers what it had in common with the store
last: what differs from it was changed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from strongroom.access.authn.keys import (
    BadKey,
    make_key,
    public_pem,
    signing_key,
    verification_keys,
)
from strongroom.files import private_directory, write_if_changed
from strongroom.server.certificates import Pair, make_ca
from strongroom.server.maintenance import keep_doing
from strongroom.server.pki import PKI, PKIError
from strongroom.server.token_keys import default_files
from strongroom.storage.errors import KeyExists, RevisionConflict, Undecryptable, UndecryptableList
from strongroom.storage.places import AUTHORITIES
from strongroom.storage.port import Store

_ADVICE = "start with the --encryption-key or the configuration of the servers that share this etcd"


class _Stored(msgspec.Struct, frozen=True):
    """As it lies in the store. ``public`` are keys by their ids, all in PEM."""

    certificate: bytes
    key: bytes
    signing: bytes
    public: dict[str, bytes]

    def __repr__(self) -> str:
        return f"<authorities with {len(self.public)} public keys>"


class _Common(msgspec.Struct, frozen=True):
    """What files and store had in common last, without the secret part."""

    signing: str
    public: list[str]


@dataclass(slots=True)
class _Keys:
    """The signing key, and the public keys by their ids, in PEM."""

    signing: bytes = field(repr=False)
    public: Mapping[str, bytes]


class SharedPKI:
    """The files of ``directory`` and what the store has of them."""

    def __init__(self, store: Store, directory: Path) -> None:
        self._store = store
        self._pki = PKI(directory)
        self._common_file = directory / ".shared.json"
        self._merging = asyncio.Lock()
        self._merged_at = 0

    async def begin(self, now: datetime, *, signs: bool = True) -> None:
        """Have both alike before the server starts; ``signs``: its keys of tokens are no others.

        Raises: PKIError for a store that is read with other keys, and for another authority.
        """
        private_directory(self._pki.directory)
        try:
            await self._agree(now)
            if signs:
                await self.merge()
        except (Undecryptable, UndecryptableList) as error:
            raise PKIError(f"{error}; {_ADVICE}") from error
        except BadKey as error:
            raise PKIError(f"{self._pki.directory}/sa.key or sa.pub: {error}") from error

    async def merge(self) -> None:
        """Tell the store what was changed here, and take over what others changed.

        Raises: StoreError, OSError, BadKey for files that hold no keys.
        """
        async with self._merging:
            while True:
                here = _keys_in(self._pki.directory)
                both, revision = await self._told(here)
                # What somebody put there meanwhile is not written over, but merged too.
                if revision and _keys_in(self._pki.directory) == here:
                    break
            self._write(both)
            self._merged_at = revision

    async def _told(self, here: _Keys | None) -> tuple[_Keys, int]:
        """What files and store have in common, and the store's revision of it: 0 to try again."""
        stored, revision = await self._read()
        both = merged(here, self._common(), _Keys(stored.signing, stored.public))
        if both.signing == stored.signing and both.public.keys() == stored.public.keys():
            return both, revision
        # Half of a file that is being written is not for the others.
        signing_key(both.signing)
        new = msgspec.structs.replace(stored, signing=both.signing, public=dict(both.public))
        try:
            content = msgspec.json.encode(new)
            return both, await self._store.update(AUTHORITIES, content, expected=revision)
        except RevisionConflict:
            return both, 0  # Another server was faster: what it changed counts too.

    def follow(self, seconds: float, stack: contextlib.AsyncExitStack) -> None:
        """Merge whenever either changes, looking every so many seconds, until ``stack`` ends it."""
        keep_doing(seconds, self._look, stack)

    async def _look(self) -> None:
        """Merge if the files or the store are not what was in common last."""
        here, common = _keys_in(self._pki.directory), self._common()
        _, revision = await self._read()
        changed = here is None or common is None or _common_of(here) != common
        if changed or revision != self._merged_at:
            await self.merge()

    async def _agree(self, now: datetime) -> None:
        """Have the store's authority in the files, or the files' in the store."""
        while (found := await self._store.get(AUTHORITIES)) is None:
            # What cannot be read is another's, who would find ours unreadable in turn.
            for prefix in ("/registry/secrets/", "/registry/", "/strongroom/"):
                await self._store.list(prefix, limit=1)
            try:
                await self._store.create(AUTHORITIES, msgspec.json.encode(self._own(now)))
            except KeyExists:
                continue
        stored = msgspec.json.decode(found.value, type=_Stored)
        shared = Pair(stored.certificate, stored.key)
        if not self._pki.ca_file.exists():
            self._pki.store("ca", shared)
        elif self._pki.ca_file.read_bytes() != stored.certificate:
            raise PKIError(
                f"{self._pki.ca_file} is not the authority that the servers of this etcd share; "
                f"move {self._pki.directory} away to take theirs"
            )

    def _own(self, now: datetime) -> _Stored:
        """What is in the files, or new ones."""
        try:
            pair = self._pki.pair("ca")
        except FileNotFoundError:
            if self._pki.ca_file.exists():
                raise PKIError(f"{self._pki.directory}/ca.key is missing") from None
            pair = make_ca(now)
        keys = _keys_in(self._pki.directory)
        if keys is None:
            signing, public = make_key()
            keys = _Keys(signing, _by_id(public))
        return _Stored(pair.certificate, pair.key, keys.signing, dict(keys.public))

    async def _read(self) -> tuple[_Stored, int]:
        found = await self._store.get(AUTHORITIES)
        if found is None:
            raise PKIError("what the servers of this etcd share is gone from it")
        return msgspec.json.decode(found.value, type=_Stored), found.mod_revision

    def _common(self) -> _Common | None:
        try:
            return msgspec.json.decode(self._common_file.read_bytes(), type=_Common)
        except FileNotFoundError:
            return None

    def _write(self, keys: _Keys) -> None:
        private, public = default_files(self._pki.directory)
        # The public keys first: whoever signs is believed. What was in common comes last, so that
        # a crash in between leaves nothing that looks like somebody's change.
        write_if_changed(public, b"".join(keys.public.values()))
        write_if_changed(private, keys.signing)
        write_if_changed(self._common_file, msgspec.json.encode(_common_of(keys)))


def merged(here: _Keys | None, common: _Common | None, stored: _Keys) -> _Keys:
    """What both are to have, of which each may have changed since ``common``."""
    if here is None:
        return stored
    if common is None:
        # Keys from before they were shared: tokens that they signed stay good.
        return _Keys(stored.signing, {**stored.public, **here.public})
    replaced = _digest(here.signing) != common.signing
    taken_out = {name for name in common.public if name not in here.public}
    added = {name: pem for name, pem in here.public.items() if name not in common.public}
    public = {name: pem for name, pem in stored.public.items() if name not in taken_out}
    return _Keys(here.signing if replaced else stored.signing, {**public, **added})


def _keys_in(directory: Path) -> _Keys | None:
    private, public = default_files(directory)
    try:
        return _Keys(private.read_bytes(), _by_id(public.read_bytes()))
    except FileNotFoundError:
        return None


def _common_of(keys: _Keys) -> _Common:
    return _Common(_digest(keys.signing), sorted(keys.public))


def _by_id(pem: bytes) -> dict[str, bytes]:
    return {key.id: public_pem(key.key) for key in verification_keys(pem)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
