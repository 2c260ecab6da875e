"""SecretUsage: when a Secret was last read, to the hour, and when its values expire.

The server writes one object beside a Secret, of its name, with nothing of its values; clients read
and delete them. Reads of all Secrets of a namespace at once are noted in one object for all of
them, whose name no Secret can have.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from strongroom.api.meta import Object
from strongroom.api.names import path_segment
from strongroom.api.schema import F, Struct
from strongroom.api.table import human_age
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.strongroom.v1alpha1"
"""Where OpenAPI places the types of this module."""

ALL_SECRETS = ":all"
"""Name of the object that tells of reads of all Secrets of its namespace."""

READS = ("get", "list", "watch")
"""The ways of reading that are told apart."""


class SecretRead(Struct):
    """The last time that values were read in one way."""

    verb: Annotated[str, F(1, "How: get, list or watch.", enum=READS, required=True)] = ""
    time: Annotated[str, F(2, "The hour in which it was.", format="date-time")] = ""
    by: Annotated[str, F(3, "Name of the first user who did so in that hour.")] = ""


class SecretUsage(Object):
    """When a Secret was last read, and when its values expire."""

    lastReadTime: Annotated[
        str, F(2, "The hour in which values were last read.", format="date-time")
    ] = ""
    lastReadBy: Annotated[str, F(3, "Name of a user who read them then.")] = ""
    reads: Annotated[
        list[SecretRead],
        F(4, "The same for each way of reading.", list_type="map", list_keys=("verb",)),
    ] = []
    expiresAt: Annotated[
        str, F(5, "When the first of its values expires by its own account.", format="date-time")
    ] = ""
    expiresFrom: Annotated[
        str, F(6, "Which field of the Secret says so, such as `data[tls.crt]`.")
    ] = ""
    expiresWhat: Annotated[str, F(7, "What expires: certificate, token or bootstrap token.")] = ""


class SecretUsageResource(Resource[SecretUsage]):
    """The behaviour of SecretUsages."""

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


def _through(usage: SecretUsage) -> str:
    return next((r.verb for r in usage.reads if r.time == usage.lastReadTime), "") or NONE


def _expires(usage: SecretUsage, now: datetime) -> str:
    return usage.expiresAt or NONE


SECRET_USAGES = SecretUsageResource(
    group="strongroom.io",
    version="v1alpha1",
    kind="SecretUsage",
    plural="secretusages",
    singular="secretusage",
    type=SecretUsage,
    namespaced=True,
    verbs=("delete", "deletecollection", "get", "list", "watch"),
    columns=(
        NAME,
        Column(
            "Last-Read",
            lambda usage, now: human_age(usage.lastReadTime, now) if usage.lastReadTime else NONE,
            description="Time since the hour in which values were last read.",
        ),
        Column(
            "By", lambda usage, now: usage.lastReadBy or NONE, description="Who read them then."
        ),
        Column("Through", lambda usage, now: _through(usage), description="get, list or watch."),
        Column("Expires", _expires, description="When the first of its values expires."),
        AGE,
    ),
)
