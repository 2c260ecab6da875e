"""Secrets as manifests for `strongroom export`: what they are, not what a server notes of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from strongroom.cli.people import Failure

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret

OF_THE_OBJECT = ("kubectl.kubernetes.io/", "kubernetes.io/", "strongroom.io/allow-deletion")
"""Annotations that tell of the object and its tools, and not of what the Secret is; kubectl's
repeats the values."""

_PAGE = 500
_LONGEST = 200
"""Letters of a file's name, without its end."""


async def wanted(
    client: Client, names: Sequence[str], namespace: str, selector: str
) -> list[Secret]:
    """The Secrets of these names, or all that the selector takes; "" is every namespace.

    Raises StatusError.
    """
    from strongroom.resources.secret import SECRETS

    if names:
        return [await client.get(SECRETS, name, namespace) for name in dict.fromkeys(names)]
    found: list[Secret] = []
    token = ""
    while True:
        page = await client.list(
            SECRETS, namespace, label_selector=selector, limit=_PAGE, continue_token=token
        )
        found += page.items
        token = page.continue_token
        if not token:
            return sorted(found, key=lambda one: (one.metadata.namespace, one.metadata.name))


def exportable(secrets: Iterable[Secret], named: bool) -> tuple[list[Secret], list[str]]:
    """Those that are of use elsewhere, and the names of the others.

    Raises Failure for one of the others that was asked for by name.
    """
    from strongroom.resources.secret import SERVICE_ACCOUNT_TOKEN

    taken: list[Secret] = []
    left: list[str] = []
    for secret in secrets:
        if secret.type == SERVICE_ACCOUNT_TOKEN:
            left.append(f"{secret.metadata.namespace}/{secret.metadata.name}")
        else:
            taken.append(secret)
    if named and left:
        raise Failure(f"secret {left[0]} holds the token of a service account: it stays here")
    return taken, left


def manifest(secret: Secret) -> dict[str, Any]:
    """The tree of a Secret's manifest, in an order that does not change."""
    meta = secret.metadata
    annotations = {
        k: v for k, v in sorted(meta.annotations.items()) if not k.startswith(OF_THE_OBJECT)
    }
    tree: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret"}
    tree["metadata"] = {"name": meta.name, "namespace": meta.namespace}
    if meta.labels:
        tree["metadata"]["labels"] = dict(sorted(meta.labels.items()))
    if annotations:
        tree["metadata"]["annotations"] = annotations
    tree["type"] = secret.type
    if secret.immutable is not None:
        tree["immutable"] = secret.immutable
    if secret.data:
        tree["data"] = {
            key: base64.b64encode(value).decode() for key, value in sorted(secret.data.items())
        }
    return tree


def file_name(tree: dict[str, Any]) -> str:
    """Its file's name: namespaces have no dots in theirs, so no two Secrets share one.

    Raises Failure for a name that would lead elsewhere, which no server has given it.
    """
    name = f"{tree['metadata']['namespace']}.{tree['metadata']['name']}"
    if "/" in name or "\0" in name:
        raise Failure(f"a Secret is called {name!r}: that is no name of a file")
    if len(name) > _LONGEST:
        # File systems take 255 bytes, some of which are for the name while it is written.
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST - len(digest) - 1]}-{digest}"
    return f"{name}.yaml"
