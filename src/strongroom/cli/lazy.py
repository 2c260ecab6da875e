"""A group of commands that are imported when they are called, and not to be listed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

Commands = Mapping[str, tuple[str, str]]
"""For each name the module whose ``command`` it is, and one line for the help of the group."""


class LazyGroup(click.Group):
    """Knows its commands by name and one line each, and imports one only to run it.

    This keeps `strongroom --help` fast: no command's own imports are paid for to list it.
    """

    def __init__(self, *args: Any, commands_by_name: Commands, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._known)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._known:
            return None
        command = importlib.import_module(self._known[cmd_name][0]).command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but a mistyped name gets the command that was probably meant."""
        if args and args[0] not in self._known and not args[0].startswith("-"):
            import difflib

            for near in difflib.get_close_matches(args[0], self._known, n=1):
                ctx.fail(f"No such command '{args[0]}'. Did you mean '{near}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._known.items()])
