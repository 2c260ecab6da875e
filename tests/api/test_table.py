"""Tables: their JSON, and ages in kubectl's short form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strongroom.api import codec
from strongroom.api.table import (
    PartialObjectMetadataList,
    Table,
    TableColumnDefinition,
    TableRow,
    human_age,
    human_duration,
)


def test_a_table_has_all_its_members_on_the_wire() -> None:
    assert codec.encode(Table()) == (
        b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},'
        b'"columnDefinitions":[],"rows":[]}'
    )
    assert codec.encode(TableRow()) == b'{"cells":[],"object":null}'
    assert codec.encode(TableColumnDefinition(name="Name")) == (
        b'{"name":"Name","type":"","format":"","description":"","priority":0}'
    )
    assert codec.encode(PartialObjectMetadataList()) == b'{"metadata":{},"items":[]}'


MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1.9, "0s"),
        (0, "0s"),
        (5.9, "5s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (9 * MINUTE + 59, "9m59s"),
        (10 * MINUTE + 59, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (48 * HOUR, "2d"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (8 * DAY + 3 * HOUR, "8d"),
        (400 * DAY, "400d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + 5 * DAY, "2y5d"),
        (8 * YEAR + 5 * DAY, "8y"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_ages() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert human_age("2026-01-01T00:00:00Z", now) == "24h"
    assert human_age(now - timedelta(seconds=5), now) == "5s"
    assert human_age("", now) == "<unknown>"
