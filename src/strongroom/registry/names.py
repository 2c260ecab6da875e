"""Names that the server makes (``k8s.io/apiserver/pkg/storage/names``)."""

from __future__ import annotations

import secrets

ATTEMPTS = 8
"""How many generated names are tried before the client is told of the collision."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels, so that no words come about."""

_SUFFIX = 5
_LIMIT = 63 - _SUFFIX


def generate_name(base: str) -> str:
    """``base``, cut to 58 bytes, and five random characters."""
    cut = base.encode()[:_LIMIT].decode(errors="ignore")
    return cut + "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX))
