"""The store of an installation: its database or etcd, and the key that encrypts what is in it.

The key-encryption key lives outside the data directory, so that a copy of the data alone opens
nothing: in ``/etc/strongroom/keys`` for root, else below ``XDG_CONFIG_HOME`` (``~/.config``), under
the installation's own id; or where ``--encryption-key`` says. It is made only together with a
new database, or for an etcd that holds nothing of ours yet: one whose key is missing is an error,
never a reason for another key.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from strongroom.files import private_directory, write_private
from strongroom.paths import INSTALLATION_ID, default_key_file
from strongroom.server.encryption.file_source import FileSource
from strongroom.server.encryption.options import EncryptionOptions
from strongroom.server.encryption.ownkey import OwnKey
from strongroom.server.encryption.providers import Pair
from strongroom.server.encryption.remotekey import RemoteKey
from strongroom.server.encryption.service import Encryption
from strongroom.server.encryption.sources import Source
from strongroom.server.etcd_options import ETCD, EtcdOptions, hint
from strongroom.server.memory import keep_in_memory
from strongroom.storage.encryption.port import KeyServiceError, Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.errors import StoreLocked, StoreUnavailable
from strongroom.storage.serving import Shareable
from strongroom.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from strongroom.storage.etcd import EtcdStore

logger = logging.getLogger("strongroom.server")

# Where keys are, ours and those that another API server shares with us.
_HELD = ("/registry/", "/strongroom/")


_ELSEWHERE = "etcd.lock"
"""In a data directory whose store is elsewhere."""


@dataclass(frozen=True, slots=True)
class Encrypting:
    """What encrypts values: our own key, or what a configuration names.

    ``configured`` follows a configuration; None when there is none. ``own`` is our own key, None
    when a configuration is all there is.
    """

    values: Transformer
    configured: Encryption | None
    own: OwnKey | RemoteKey | None

    @property
    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The health checks of those who hold keys elsewhere, under upstream's names."""
        held = self.own if isinstance(self.own, RemoteKey) else None
        asked = self.configured or held
        return {} if asked is None else {"kms-providers": asked.check}

    def begin(self, metrics: CollectorRegistry, stack: contextlib.AsyncExitStack) -> None:
        """Follow keys and configuration until ``stack`` ends it."""
        if self.own is not None:
            self.own.begin(stack)
        if self.configured is not None:
            self.configured.begin(metrics, stack)


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """The database, and what encrypts its values; ``shared`` is it where other servers are too."""

    database: Shareable
    encrypting: Encrypting
    shared: EtcdStore | None = None


async def open_store(
    data_dir: Path,
    url: str,
    options: EncryptionOptions,
    etcd: EtcdOptions,
    live: Mapping[str, float] | None = None,
) -> OpenedStore:
    """Open or make the database and its key. Raises StoreError and as ``load_encrypting``.

    ``live`` is for how many seconds an etcd is to keep what begins with a prefix.
    """
    if url.startswith(ETCD):
        return await _open_etcd(data_dir, url, options, etcd, live)
    return _open_file(data_dir, Path(url.removeprefix("sqlite:")), options)


def _open_file(data_dir: Path, path: Path, options: EncryptionOptions) -> OpenedStore:
    mark = data_dir / _ELSEWHERE
    if mark.exists() and not path.exists():
        raise StoreUnavailable(
            f"the store of {data_dir} is in an etcd: start with --store etcd:…, as before (or, to "
            f"begin an empty one in {path}, remove {mark})"
        )
    encrypting = load_encrypting(data_dir, options, new=not path.exists())
    _warn(encrypting, data_dir)
    if not path.parent.exists():
        # One that is there already stays as it is: it may be a directory that others use.
        private_directory(path.parent)
    return OpenedStore(SQLiteStore.open(path), encrypting)


@contextlib.contextmanager
def only_here(data_dir: Path) -> Iterator[None]:
    """Keep other servers off a data directory whose store is elsewhere. Raises StoreLocked."""
    path = data_dir / _ELSEWHERE
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreLocked(f"{data_dir} is in use by another process") from None
        yield
    finally:
        os.close(descriptor)


async def _open_etcd(
    data_dir: Path,
    url: str,
    options: EncryptionOptions,
    etcd: EtcdOptions,
    live: Mapping[str, float] | None,
) -> OpenedStore:
    # Its few hundred lines are for those who have one.
    from strongroom.storage.etcd import EtcdStore

    members = url.removeprefix(ETCD).split(",")
    try:
        store = await EtcdStore.open(members, etcd.credentials(), live=live)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{error}{hint(members)}") from None
    try:
        held = [await store.count(prefix) for prefix in _HELD]
        try:
            encrypting = load_encrypting(data_dir, options, new=not any(held))
        except KeyServiceError:
            if any(held):
                raise
            # Another server that begins with the same file may have made it just now.
            encrypting = load_encrypting(data_dir, options)
    except BaseException:
        await store.close()
        raise
    _warn(encrypting, data_dir)
    return OpenedStore(store, encrypting, store)


def _warn(encrypting: Encrypting, data_dir: Path) -> None:
    own = encrypting.own
    if isinstance(own, OwnKey) and own.ring.path.resolve().is_relative_to(data_dir.resolve()):
        logger.warning("the key lies in the data directory: whoever copies that reads all of it")


def load_encrypting(data_dir: Path, options: EncryptionOptions, *, new: bool = False) -> Encrypting:
    """What encrypts the values of a database; for a new one the key is made where it is ours.

    Raises EncryptionError, OSError, BadFile.
    """
    keep_in_memory(options.lock_memory)
    config = options.encryption_provider_config
    source = options.encryption_key or FileSource(
        default_key_file(installation_id(data_dir)).absolute()
    )
    if config is None:
        own = _opened(source, new=new)
        return Encrypting(PrefixTransformer([_pair(own)]), None, own)
    # What was stored before there was a configuration is read with the key of that time.
    # Where there was none, or it is gone, whatever needs it says which key that is.
    there = not isinstance(source, FileSource) or source.path.exists()
    before = _opened(source) if there else None
    encryption = Encryption(
        config,
        [_pair(before)] if before is not None else [],
        reload=options.encryption_provider_config_automatic_reload,
    )
    encryption.prime()
    return Encrypting(encryption.values, encryption, before)


def _opened(source: Source, *, new: bool = False) -> OwnKey | RemoteKey:
    if isinstance(source, FileSource):
        return OwnKey(source.open(new=new), source)
    return RemoteKey(source.open(), source)


def _pair(own: OwnKey | RemoteKey) -> Pair:
    return own.transformer.prefix, own.transformer


def installation_id(data_dir: Path) -> str:
    """A name for the data directory that moves with it; made at the first start."""
    path = data_dir / INSTALLATION_ID
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = secrets.token_hex(16)
        write_private(path, made.encode() + b"\n")
        return made
