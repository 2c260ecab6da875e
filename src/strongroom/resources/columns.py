"""The two columns that every kind's table has: Name and Age."""

from __future__ import annotations

from typing import Any

from strongroom.api.table import human_age
from strongroom.resources.resource import Column

NONE = "<none>"
"""What a cell shows in place of an empty value."""
UNKNOWN = "<unknown>"
"""What a cell shows when a value should be there and is not."""

NAME: Column[Any] = Column(
    "Name", lambda obj, now: obj.metadata.name, format="name", description="Name of the object."
)
AGE: Column[Any] = Column(
    "Age",
    lambda obj, now: human_age(obj.metadata.creationTimestamp, now),
    description="Time since the object was created.",
)
