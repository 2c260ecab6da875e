"""What keys in services and tokens have in common: who is asked, and what an answer proves."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Final

from strongroom.storage.encryption.keyservice import KeyService, Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError

PURPOSE: Final = b"strongroom key-encryption v1"
"""What is authenticated with each wrapped seed, where the service has room for that."""

# As long as a seed, so that every algorithm which takes seeds takes it.
_PROBE: Final = b"strongroom: can this key be used"

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that are asked in plain HTTP when the settings say so, and no others."""


@contextlib.contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Say what to install when a library is missing that few need. Raises KeyServiceError."""
    try:
        yield
    except ImportError:
        raise KeyServiceError(
            f"{what} needs a library that is not installed: pip install 'strongroom[{extra}]'"
        ) from None


def quieten(*loggers: str) -> None:
    """Have a maker's client log nothing but warnings, whatever the level of our log.

    For debugging they write down what they send, which is seeds, and more each minute than we do.
    """
    for name in loggers:
        logging.getLogger(name).setLevel(logging.WARNING)


def proven(service: KeyService, where: str) -> str:
    """The id of the key that encrypts, told only by one that also decrypts what it encrypted.

    A right that is missing is found now, when nothing depends on it. Raises KeyServiceError.
    """
    wrapped = service.encrypt(_PROBE)
    try:
        again = service.decrypt(wrapped)
    except DecryptionFailed as error:
        raise KeyServiceError(f"{where} does not decrypt what it encrypted: {error}") from None
    if again != _PROBE:
        raise KeyServiceError(f"{where} does not decrypt what it encrypted")
    return wrapped.key_id


def other_key(wrapped: Wrapped, held: str) -> DecryptionFailed:
    """What is said of a seed that this service cannot have encrypted."""
    return DecryptionFailed(f"encrypted with key {wrapped.key_id!r}, this service holds {held!r}")
