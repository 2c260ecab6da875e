"""The two columns that every kind's table has: Name first, Age last (or nearly)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from strongroom.api.meta import Object
from strongroom.resources.resource import Column

UNKNOWN = "<unknown>"
"""What a cell shows when there is no moment to count from."""


def _age(obj: Object, now: datetime) -> str:
    return since(obj.metadata.creationTimestamp, now)


def since(timestamp: str, now: datetime) -> str:
    """How long ago a wire timestamp was, in upstream's short form (``5m``, ``3d4h``)."""
    from strongroom.api.table import human_age
    from strongroom.api.times import parse_time

    if not timestamp:
        return UNKNOWN
    try:
        return human_age(parse_time(timestamp), now)
    except ValueError:
        return UNKNOWN


NAME: Column[Any] = Column(
    "Name", lambda obj, now: obj.metadata.name, format="name", description="Name of the object."
)
AGE: Column[Any] = Column("Age", _age, description="Time since the object was created.")
