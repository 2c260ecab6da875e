"""The `strongroom` command: a group whose commands are loaded when they are called."""

from __future__ import annotations

import importlib

import click

from strongroom import __version__

COMMANDS = {
    "up": ("strongroom.cli.up", "Start everything here: API server, controllers and node agent."),
    "status": ("strongroom.cli.status", "Say what runs, where, with what key and store."),
    "apiserver": ("strongroom.cli.apiserver", "Run the API server alone."),
    "controllers": ("strongroom.cli.controllers", "Run the controllers alone."),
    "node": ("strongroom.cli.node", "Run the node agent alone."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line each, and imports one only to run it.

    This keeps `strongroom --help` fast: no command's own imports are paid for to list it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but a mistyped name gets the command that was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            for near in difflib.get_close_matches(args[0], COMMANDS, n=1):
                ctx.fail(f"No such command '{args[0]}'. Did you mean '{near}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
@click.version_option(__version__, prog_name="strongroom")
def main() -> None:
    """The Kubernetes Secrets system, complete, with or without a cluster.

    \b
    Examples:
      strongroom up                        start everything, print where it serves
      strongroom up --port 0 --no-node     an API server and controllers on any free port
      strongroom status                    what runs here, and how to point kubectl at it
    """
