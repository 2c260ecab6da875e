"""References: Secrets without values that stand for a Secret of another namespace.

A Secret of type ``strongroom.io/reference`` says in an annotation which one it stands for. Pods
name it as any other; the API server shows nodes what SecretGrants give of the Secret behind it, in
its place, and nothing where none does. What nodes are shown says in a second annotation which
account is given which keys, so that no pod is given what only its neighbour may have.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    IMMUTABLE,
    Path,
    dns_label,
    dns_subdomain,
    forbidden_field,
    invalid_value,
    required,
)

REFERENCE = "strongroom.io/reference"
"""The type of Secrets that hold no values and stand for another."""

FROM = "strongroom.io/from"
"""On references: ``NAMESPACE/NAME`` of the Secret that they stand for."""

GRANTED = "strongroom.io/granted"
"""On what nodes are shown of a reference: keys by service account, ``*`` for all of either."""

ALL = "*"

Keys = frozenset[str] | None
"""Keys that are given; None for all of them."""

Granted = Mapping[str, Keys]
"""What is given to whom, by name of the service account or ``ALL``."""

_FROM = (Path("metadata") / "annotations").key(FROM)
_shares = msgspec.json.Decoder(dict[str, list[str]])


def target_of(annotations: Mapping[str, str]) -> tuple[str, str] | None:
    """Namespace and name of the Secret that a reference stands for; None if it says none."""
    namespace, slash, name = annotations.get(FROM, "").partition("/")
    if not slash or dns_label(namespace) or dns_subdomain(name):
        return None
    return namespace, name


def reference_errors(
    namespace: str, annotations: Mapping[str, str], *, holds: bool
) -> list[FieldError]:
    """What is wrong with a reference of a namespace; ``holds`` says that it has values."""
    errors = []
    if holds:
        errors.append(forbidden_field(Path("data"), f"may not be set for type {REFERENCE}"))
    if FROM not in annotations:
        return [*errors, required(_FROM)]
    told, target = annotations[FROM], target_of(annotations)
    if target is None:
        errors.append(invalid_value(_FROM, told, "must be NAMESPACE/NAME of a Secret"))
    elif target[0] == namespace:
        errors.append(invalid_value(_FROM, told, "must be a Secret of another namespace"))
    return errors


def changed_target(new: Mapping[str, str], old: Mapping[str, str]) -> list[FieldError]:
    """A reference stands for the same Secret as long as it is there."""
    if new.get(FROM) == old.get(FROM):
        return []
    return [invalid_value(_FROM, new.get(FROM, ""), IMMUTABLE)]


def granted_text(granted: Granted) -> str:
    """What is given to whom, as the annotation has it."""
    told = {account: [ALL] if keys is None else sorted(keys) for account, keys in granted.items()}
    return msgspec.json.encode(told, order="sorted").decode()


def keys_for(annotations: Mapping[str, str], account: str) -> Keys:
    """The keys that an account is given of a Secret that a node was shown.

    All of one of its own namespace, which says nothing; none where what is said cannot be read.
    """
    if GRANTED not in annotations:
        return None
    try:
        told = _shares.decode(annotations[GRANTED])
    except msgspec.MsgspecError:
        return frozenset()
    keys = {*told.get(ALL, ()), *told.get(account, ())}
    return None if ALL in keys else frozenset(keys)
