"""SecretRevision: what a Secret held before it was changed or deleted, kept for a time.

The server writes one in the same transaction as the change, so that there is never one without the
other; clients read and delete them, and nobody changes them. What is in one is as secret as the
Secret was: reading it takes rights of its own, which rights on Secrets do not include.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.api.table import human_age
from strongroom.resources.columns import NAME
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.strongroom.v1alpha1"
"""Where OpenAPI places the types of this module."""

GROUP = "strongroom.io"

OPERATIONS = ("update", "patch", "delete")
"""How a state of a Secret can end."""


class SecretRevisionSpec(Struct):
    """Which Secret it was, and how this state of it ended."""

    secretName: Annotated[str, F(1, "Name of the Secret.", required=True)] = ""
    secretUID: Annotated[
        str, F(2, "UID of the Secret: a Secret that is made again has another one.")
    ] = ""
    secretResourceVersion: Annotated[
        str, F(3, "The Secret's resourceVersion in this state; the end of this object's name.")
    ] = ""
    type: Annotated[str, F(4, "The Secret's type.")] = ""
    immutable: Annotated[bool | None, F(5, "Whether the Secret was immutable.")] = None
    labels: Annotated[dict[str, str], F(6, "The Secret's labels.")] = {}
    annotations: Annotated[
        dict[str, str], F(7, "The Secret's annotations, but for what kubectl last applied.")
    ] = {}
    secretCreationTimestamp: Annotated[
        str, F(8, "When the Secret was created.", format="date-time")
    ] = ""
    replacedAt: Annotated[
        str, F(9, "When the Secret was changed or deleted.", format="date-time")
    ] = ""
    replacedBy: Annotated[str, F(10, "Name of the user who did it.")] = ""
    operation: Annotated[str, F(11, "How: update, patch or delete.", enum=OPERATIONS)] = ""


class SecretRevision(Object):
    """A state that a Secret had until it was changed or deleted; as secret as the Secret."""

    data: Annotated[
        dict[str, bytes], F(2, "The values that the Secret held, by key.", confidential=True)
    ] = {}
    spec: Annotated[SecretRevisionSpec, F(3, "Whose state it was, and how it ended.")] = (
        msgspec.field(default_factory=SecretRevisionSpec)
    )


def revision_name(secret: str, revision: int) -> str:
    """The name of the revision that a Secret had at a resourceVersion, which is its alone."""
    return f"{secret}.{revision}"


def revision_number(name: str, secret: str) -> int | None:
    """The resourceVersion in a revision's name; None for a revision of another Secret."""
    number = name.removeprefix(f"{secret}.")
    # The name of a Secret may itself end with a number: what is left must be a number alone.
    if number == name or not (number.isascii() and number.isdigit()):
        return None
    return int(number)


def newest_first(revisions: Sequence[SecretRevision]) -> list[SecretRevision]:
    """Revisions of one Secret in the order of their resourceVersions, from the newest on."""
    return sorted(
        revisions, key=lambda found: int(found.spec.secretResourceVersion or 0), reverse=True
    )


SECRET_REVISIONS: Resource[SecretRevision] = Resource(
    group=GROUP,
    version="v1alpha1",
    kind="SecretRevision",
    plural="secretrevisions",
    singular="secretrevision",
    short_names=("srev",),
    type=SecretRevision,
    namespaced=True,
    verbs=("delete", "deletecollection", "get", "list", "watch"),
    columns=(
        NAME,
        Column("Secret", lambda r, now: r.spec.secretName, description="Whose state it was."),
        Column("Type", lambda r, now: r.spec.type, description="What the data was for."),
        Column("Data", lambda r, now: len(r.data), description="Number of keys."),
        Column("By", lambda r, now: r.spec.replacedBy, description="Who replaced or deleted it."),
        Column("How", lambda r, now: r.spec.operation, description="How that was done."),
        Column(
            "Replaced",
            lambda r, now: human_age(r.spec.replacedAt, now),
            description="Time since the Secret was changed or deleted.",
        ),
    ),
    field_selectors={
        "spec.secretName": lambda r: r.spec.secretName,
        "spec.secretUID": lambda r: r.spec.secretUID,
        "spec.type": lambda r: r.spec.type,
        "spec.operation": lambda r: r.spec.operation,
    },
)
