"""Rows that are kept show what rows made anew show."""

from datetime import timedelta
from typing import Any

from strongroom.registry.rows import row_of
from strongroom.resources.resource import Column
from strongroom.resources.secret import SECRETS
from tests.registry.conftest import NOW, secret


def test_only_the_age_of_a_kept_row_moves() -> None:
    made = secret("a")
    made.metadata.creationTimestamp = "2020-01-01T00:00:00Z"
    row = row_of(made, SECRETS.columns)

    assert row.lasting
    assert row.cells(NOW) != row.cells(NOW + timedelta(days=400))
    assert row.cells(NOW).startswith(b'["a",')


def test_a_row_with_another_time_in_it_is_not_kept() -> None:
    late: Column[Any] = Column("Late", lambda obj, now: now > NOW)
    assert not row_of(secret("a"), [*SECRETS.columns, late]).lasting
