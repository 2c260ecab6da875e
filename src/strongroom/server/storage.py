"""The store of an installation: its database, and the key that encrypts what is in it.

The key-encryption key lives outside the data directory, so that a copy of the data alone opens
nothing: in ``/etc/strongroom/keys`` for root, else below ``XDG_CONFIG_HOME`` (``~/.config``), under
the installation's own id; or where ``--encryption-key`` says. It is made only together with a
new database: a database whose key is missing is an error, never a reason for another key.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from strongroom.files import private_directory, write_private
from strongroom.paths import INSTALLATION_ID, default_key_file
from strongroom.server.encryption.options import EncryptionOptions
from strongroom.server.encryption.ownkey import OwnKey
from strongroom.server.encryption.providers import Pair
from strongroom.server.encryption.remotekey import RemoteKey
from strongroom.server.encryption.service import Encryption
from strongroom.server.encryption.sources import FileSource, Source
from strongroom.storage.encryption.port import Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.sqlite import SQLiteStore

logger = logging.getLogger("strongroom.server")


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
    """The database, and what encrypts its values."""

    database: SQLiteStore
    encrypting: Encrypting


def open_store(data_dir: Path, url: str, options: EncryptionOptions) -> OpenedStore:
    """Open or make the database and its key. Raises StoreError and as ``load_encrypting``."""
    path = Path(url.removeprefix("sqlite:"))
    encrypting = load_encrypting(data_dir, options, new=not path.exists())
    own = encrypting.own
    if isinstance(own, OwnKey) and own.ring.path.resolve().is_relative_to(data_dir.resolve()):
        logger.warning("the key lies in the data directory: whoever copies that reads all of it")
    if not path.parent.exists():
        # One that is there already stays as it is: it may be a directory that others use.
        private_directory(path.parent)
    return OpenedStore(SQLiteStore.open(path), encrypting)


def load_encrypting(data_dir: Path, options: EncryptionOptions, *, new: bool = False) -> Encrypting:
    """What encrypts the values of a database; for a new one the key is made where it is ours.

    Raises EncryptionError, OSError, BadFile.
    """
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
