"""Values that nobody has to think of: ``password:32``, ``hex:16``, ``base64:32``, ``uuid``."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

ALPHABET = string.ascii_letters + string.digits + "-_"
"""Characters of passwords: six bits each, and none that a shell, a URL or YAML would change."""


class UnknownGenerator(ValueError):
    """The text names no generator; the message says which there are."""


@dataclass(frozen=True, slots=True)
class _Kind:
    make: Callable[[int], bytes]
    default: int
    least: int
    most: int
    unit: str


def _password(length: int) -> bytes:
    # The first is a letter: a leading dash would be read as an option.
    first = secrets.choice(string.ascii_letters)
    return (first + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))).encode()


_KINDS = {
    "password": _Kind(_password, 32, 8, 4096, "characters"),
    "hex": _Kind(lambda n: secrets.token_hex(n).encode(), 32, 8, 4096, "bytes"),
    "base64": _Kind(lambda n: base64.b64encode(secrets.token_bytes(n)), 32, 8, 4096, "bytes"),
    "bytes": _Kind(secrets.token_bytes, 32, 8, 4096, "bytes"),
    "uuid": _Kind(lambda n: str(uuid.uuid4()).encode(), 0, 0, 0, ""),
}
KINDS = ", ".join(f"{name}[:N]" if kind.most else name for name, kind in _KINDS.items())


def generate(text: str) -> bytes:
    """A new value, as ``KIND`` or ``KIND:N`` asks for. Raises :class:`UnknownGenerator`."""
    name, colon, number = text.partition(":")
    kind = _KINDS.get(name)
    if kind is None or (colon and not kind.most):
        raise UnknownGenerator(f"no generator '{text}'; there are {KINDS}")
    if not colon:
        return kind.make(kind.default)
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise UnknownGenerator(f"'{text}': expected a number of {kind.unit}, such as {name}:32")
    if not kind.least <= int(number) <= kind.most:
        limits = f"{kind.least} to {kind.most} {kind.unit}"
        raise UnknownGenerator(f"'{text}': {name} makes {limits}")
    return kind.make(int(number))
