"""The setting of the controller that tells of Secrets that expire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from strongroom.resources.secret_expiry import parse_span


class Spans(click.ParamType[tuple[timedelta, ...]]):
    """Durations with commas between them: ``30d,7d,12h``."""

    name = "durations"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[timedelta, ...]:
        """The durations, the longest first."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(sorted({parse_span(part) for part in str(value).split(",")}, reverse=True))
        except ValueError as error:
            self.fail(f"{error}, and others after commas", param, ctx)
