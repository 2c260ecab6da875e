"""Keys in PKCS#11 tokens, as URIs of RFC 7512 name them.

pkcs11:token=LABEL;object=LABEL;type=secret-key?module-path=FILE&pin-source=file:FILE

The PIN is in a file, never in the URI: ``pin-value`` is refused. ``serial`` and ``id`` name token
and key as well; what else the standard has is not known here, and refused, for it would narrow
down what is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from strongroom.server.encryption.remote_source import HeldElsewhere, RemoteService
from strongroom.storage.encryption.pkcs11 import Token, TokenKey

_PATH: Final = {"token", "serial", "object", "id", "type"}
_QUERY: Final = {"module-path", "pin-source"}


@dataclass(frozen=True, slots=True)
class Pkcs11Source(HeldElsewhere):
    """A key in a token."""

    key: TokenKey

    def __str__(self) -> str:
        return f"pkcs11:{self.key}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return () if self.key.pin_file is None else (self.key.pin_file,)

    @property
    def advice(self) -> str:
        """What to do in place of what cannot be done here."""
        return (
            f"the key is in the token {self.key}: make a new one beside it, with a label or id of "
            "its own, start the server with that one named, and run `strongroom keys rewrap`; the "
            "old one is read as long as it is in the token"
        )

    def open(self, *, new: bool = False) -> RemoteService:
        """The key service, which has not been asked anything yet. Raises KeyServiceError."""
        return Token(self.key)


def pkcs11_source(text: str) -> Pkcs11Source:
    """What ``pkcs11:`` is followed by. Raises ValueError, which quotes no value."""
    path, _, query = text.partition("?")
    found = _attributes(path, ";", _PATH) | _attributes(query, "&", _QUERY)
    if found.get("type", "secret-key") != "secret-key":
        raise ValueError("the key is a secret-key")
    if not ({"token", "serial"} & found.keys() and {"object", "id"} & found.keys()):
        raise ValueError("token or serial, and object or id, say which key is meant")
    module = unquote(found.get("module-path", ""))
    if not module.startswith("/"):
        raise ValueError("module-path is the maker's library, from / on")
    return Pkcs11Source(
        TokenKey(
            Path(module),
            _pin_file(found),
            unquote(found.get("token", "")),
            unquote_to_bytes(found.get("serial", "")),
            unquote(found.get("object", "")),
            unquote_to_bytes(found.get("id", "")),
        )
    )


def _pin_file(found: dict[str, str]) -> Path | None:
    if "pin-source" not in found:
        return None
    source = unquote(found["pin-source"]).removeprefix("file:")
    # As for other URIs of files, an empty host may stand before the path.
    path = source.removeprefix("//") if source.startswith("///") else source
    if path.startswith("|") or not path:
        raise ValueError("pin-source is file:FILE")
    return Path(path).absolute()


def _attributes(text: str, between: str, known: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in text.split(between) if text else ():
        name, equals, value = one.partition("=")
        if name == "pin-value":
            raise ValueError("a PIN is never in a URI, which others see: write it to a file")
        if name not in known:
            raise ValueError(f"there is no attribute {name[:40]!r} here")
        if name in found or not equals or not value:
            raise ValueError("each attribute stands once, with a value")
        found[name] = value
    return found
