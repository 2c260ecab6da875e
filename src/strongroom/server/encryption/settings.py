"""Settings behind the ``?`` of the URI of a key that is held elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from urllib.parse import parse_qsl, urlsplit

from strongroom.server.argument_types import duration
from strongroom.storage.encryption.remote import LOOPBACK


def settings_of(query: str, known: Collection[str], whose: str) -> dict[str, str]:
    """Each setting with its value. Raises ValueError, which quotes no value."""
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    found = dict(pairs)
    if unknown := found.keys() - set(known):
        raise ValueError(f"there is no setting {', '.join(map(repr, sorted(unknown)))} of {whose}")
    if len(found) < len(pairs) or not all(found.values()):
        raise ValueError(f"each setting of {whose} stands once, with a value")
    return found


def timeout_of(found: dict[str, str]) -> float:
    """Seconds for each step, 10 unless said. Raises ValueError."""
    try:
        return duration(found.get("timeout", "10s"))
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"timeout: {error}") from None


def endpoint_of(found: dict[str, str]) -> str:
    """The address to ask in place of the service's own. Raises ValueError."""
    text = found.get("endpoint", "")
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    wrong = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if text and (wrong or not parts.hostname or not (plain or parts.scheme == "https")):
        raise ValueError("the endpoint is https://HOST[:PORT], http on loopback only")
    return text.rstrip("/")
