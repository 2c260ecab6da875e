"""The store of an installation: its database, and the key that encrypts what is in it.

The key-encryption key lives outside the data directory, so that a copy of the data alone opens
nothing: in ``/etc/strongroom/keys`` for root, else below ``XDG_CONFIG_HOME`` (``~/.config``), under
the installation's own id; or where ``--encryption-key-file`` says. It is made only together with a
new database: a database whose key is missing is an error, never a reason for another key.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from strongroom.files import private_directory, write_private
from strongroom.paths import INSTALLATION_ID, default_key_file
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.sqlite import SQLiteStore

logger = logging.getLogger("strongroom.server")

KMS_NAME = "strongroom"


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """The database, what encrypts its values, and what may be told of the key."""

    database: SQLiteStore
    values: PrefixTransformer
    key_id: str
    key_file: Path


def open_store(data_dir: Path, url: str, key_file: Path | None) -> OpenedStore:
    """Open or make the database and its key. Raises StoreError, EncryptionError, OSError."""
    path = Path(url.removeprefix("sqlite:"))
    key_path = key_file or default_key_file(installation_id(data_dir))
    key = _key(key_path, new=not path.exists())
    if key_path.resolve().is_relative_to(data_dir.resolve()):
        logger.warning("the key lies in the data directory: whoever copies that reads all of it")
    if not path.parent.exists():
        # One that is there already stays as it is: it may be a directory that others use.
        private_directory(path.parent)
    return OpenedStore(SQLiteStore.open(path), _values(key), key.status(), key_path.absolute())


def load_values(data_dir: Path, key_file: Path | None) -> PrefixTransformer:
    """What encrypts the values of a database that another process has open.

    Raises EncryptionError, OSError.
    """
    return _values(LocalKey.load(key_file or default_key_file(installation_id(data_dir))))


def _values(key: LocalKey) -> PrefixTransformer:
    transformer = KMSTransformer(KMS_NAME, key)
    return PrefixTransformer([(transformer.prefix, transformer)])


def installation_id(data_dir: Path) -> str:
    """A name for the data directory that moves with it; made at the first start."""
    path = data_dir / INSTALLATION_ID
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = secrets.token_hex(16)
        write_private(path, made.encode() + b"\n")
        return made


def _key(path: Path, *, new: bool) -> LocalKey:
    if new and not path.exists():
        return LocalKey.create(path)
    return LocalKey.load(path)
