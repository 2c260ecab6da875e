"""Rows of Tables: all cells but the age stay as they are for as long as the object does.

A row is made from the decoded object once; later Tables put only the age into it. Which cells tell
of time is seen by giving them a time that notes whether it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.api.codec import encode
from strongroom.api.meta import Object
from strongroom.api.table import human_age
from strongroom.api.times import parse_time
from strongroom.resources.columns import AGE
from strongroom.resources.resource import Column

Columns = Sequence[Column[Any]]


@dataclass(slots=True, eq=False)
class Row:
    """The cells of one object, encoded, around the age.

    ``created`` is what the age counts from, "" when nobody knows, None where there is no age.
    ``lasting`` is false when another cell tells of time too: such cells are made anew each time.
    """

    columns: Columns
    before: bytes = b""
    after: bytes = b""
    created: datetime | str | None = None
    lasting: bool = True

    def cells(self, now: datetime) -> bytes:
        """The cells as a JSON array."""
        if self.created is None:
            return self.before
        return b'%b"%b"%b' % (self.before, human_age(self.created, now).encode(), self.after)


def row_of(obj: Object, columns: Columns) -> Row:
    """The row of an object."""
    noting = _Noting.fromtimestamp(0, UTC)
    cells = [b"" if column is AGE else encode(column.cell(obj, noting)) for column in columns]
    if noting.noted:
        return Row(columns, lasting=False)
    at = next((i for i, column in enumerate(columns) if column is AGE), None)
    if at is None:
        return Row(columns, b"[" + b",".join(cells) + b"]")
    created = obj.metadata.creationTimestamp
    return Row(
        columns,
        b"[" + b"".join(cell + b"," for cell in cells[:at]),
        b"".join(b"," + cell for cell in cells[at + 1 :]) + b"]",
        parse_time(created) if created else "",
    )


class _Noting(datetime):
    """A time that notes in ``noted`` whether anybody reckoned or compared with it."""

    noted = False

    def __sub__(self, other: Any) -> Any:
        self.noted = True
        return super().__sub__(other)

    def __rsub__(self, other: datetime) -> timedelta:
        self.noted = True
        return other - datetime.fromtimestamp(0, UTC)

    def __add__(self, other: timedelta) -> Any:
        self.noted = True
        return super().__add__(other)

    def __lt__(self, other: Any) -> bool:
        self.noted = True
        return super().__lt__(other)

    def __le__(self, other: Any) -> bool:
        self.noted = True
        return super().__le__(other)

    def __gt__(self, other: Any) -> bool:
        self.noted = True
        return super().__gt__(other)

    def __ge__(self, other: Any) -> bool:
        self.noted = True
        return super().__ge__(other)
