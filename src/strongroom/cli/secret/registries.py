"""Credentials of container registries, several in one Secret of type dockerconfigjson."""

from __future__ import annotations

import base64
import json
from typing import Any

from strongroom.cli.people import Failure

KEY = ".dockerconfigjson"


def merged(content: bytes | None, host: str, credentials: dict[str, str]) -> bytes:
    """The configuration with these credentials for ``host``; those of other hosts stay.

    Raises Failure when what is there is no configuration; it is not quoted.
    """
    tree = _read(content)
    pair = f"{credentials['username']}:{credentials['password']}".encode()
    auths = dict(tree.get("auths") or {})
    auths[host] = {**credentials, "auth": base64.b64encode(pair).decode()}
    return _written(tree, auths)


def without(content: bytes | None, host: str) -> bytes:
    """The configuration without credentials for ``host``. Raises Failure if it has none."""
    tree = _read(content)
    auths = dict(tree.get("auths") or {})
    if host not in auths:
        known = ", ".join(sorted(auths)) or "none"
        raise Failure(f"no credentials for registry {host}; there are: {known}")
    del auths[host]
    return _written(tree, auths)


def hosts(content: bytes) -> list[str]:
    """The registries that a configuration has credentials for; none if it cannot be read."""
    try:
        return sorted(_read(content).get("auths") or {})
    except Failure:
        return []


def _read(content: bytes | None) -> dict[str, Any]:
    try:
        tree = json.loads(content or b"{}")
    except ValueError:
        tree = None
    if not isinstance(tree, dict) or not isinstance(tree.get("auths") or {}, dict):
        raise Failure(
            f"{KEY} of the Secret is no configuration of registries: look at it with edit"
        )
    return tree


def _written(tree: dict[str, Any], auths: dict[str, Any]) -> bytes:
    return json.dumps({**tree, "auths": dict(sorted(auths.items()))}).encode()
