"""What all commands for people share: which cluster, as whom, how errors and tables look.

A command takes :func:`people_options` and is handed a :class:`People`. The client is imported when
a command runs, not for its ``--help``.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from strongroom.cli.output import dump

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.client.config import ClientConfig

T = TypeVar("T")

_TURNS = "[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
"""What makes the text behind it stand before it, or on another line."""
_COMMANDS = re.compile(rf"\x1b(?!\[(?:0|3[1-6])m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|{_TURNS}")

_ENDS = str.maketrans("\n\t", "??")
"""What would make one row of a table look like several, or one cell like two."""

_IMMUTABLE = "field is immutable when `immutable` is set"

FIELD_MANAGER = "strongroom"
"""Who owns the fields that these commands write."""


class Failure(click.ClickException):
    """What was asked for could not be done: ``error: …`` on standard error, exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {harmless(self.message)}", file=file, err=file is None)


class Found(click.exceptions.Exit):
    """A check found something, which has been told: exit code 3."""

    def __init__(self) -> None:
        super().__init__(3)


@dataclass(frozen=True)
class People:
    """Which cluster a command speaks to and as whom. Made by :func:`people_options`."""

    kubeconfig: str | None = None
    context: str = ""
    asked_namespace: str = ""
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()

    @functools.cached_property
    def config(self) -> ClientConfig:
        """The chosen context's configuration. Raises InvalidConfig (inside ``run``: told)."""
        from strongroom.client.config import load_config

        config = load_config(self.kubeconfig, context=self.context)
        if self.impersonate_user or self.impersonate_groups:
            if not self.impersonate_user:
                raise click.UsageError("--as-group needs --as")
            config = config.impersonating(self.impersonate_user, self.impersonate_groups)
        return config

    @property
    def namespace(self) -> str:
        """The namespace that was asked for, else the context's. Raises :class:`Failure`."""
        return self.asked_namespace or telling_failures(lambda: self.config.namespace)

    @property
    def server(self) -> str:
        """The address of the chosen cluster. Raises :class:`Failure`."""
        return telling_failures(lambda: self.config.server)

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Await ``work(client)`` with a client of the chosen cluster.

        What the server refuses and what cannot be reached become :class:`Failure`.
        """

        async def connected() -> T:
            from strongroom.client.client import Client
            from strongroom.client.errors import Unreachable
            from strongroom.process import forbid_dumps

            forbid_dumps()  # Nearly every answer may hold values.
            config = self.config
            async with Client(config, field_manager=FIELD_MANAGER, heard=self.warn) as client:
                try:
                    return await work(client)
                except Unreachable as error:
                    raise Failure(
                        f"{config.server}: {error}\n"
                        "Is it running, and is it the one that is meant? Choose by --context."
                    ) from error

        return telling_failures(lambda: asyncio.run(connected()), self.asked_namespace)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows below their headers, each column as wide as it must be."""
        lines = [[str(cell).translate(_ENDS) for cell in row] for row in [headers, *rows]]
        widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = [
                cell + " " * (width - _width(cell))
                for cell, width in zip(line, widths, strict=True)
            ]
            self.say("   ".join(padded).rstrip())

    def emit(self, tree: dict[str, Any], output: str) -> None:
        """Print the facts as ``json`` or ``yaml``."""
        click.echo(dump(tree, output), nl=False)

    def say(self, text: str, *, err: bool = False) -> None:
        """Print a line; its colours only reach a terminal, and none where NO_COLOR is set."""
        color = False if os.environ.get("NO_COLOR") else None
        click.echo(harmless(text), err=err, color=color)

    def warn(self, text: str) -> None:
        """Tell on standard error what is done all the same."""
        self.say(f"warning: {text}", err=True)


def people_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add kubectl's options that say which cluster and as whom; call with a People first."""
    return _with(_OPTIONS, function)


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """As ``people_options``, for what is in no namespace that one could choose."""
    return _with(_OPTIONS[1:], function)


def _with(
    options: Sequence[Callable[..., Any]], function: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(
        kubeconfig: str | None,
        context: str,
        impersonate: str,
        impersonate_groups: tuple[str, ...],
        namespace: str = "",
        **rest: Any,
    ) -> Any:
        people = People(kubeconfig, context, namespace, impersonate, impersonate_groups)
        try:
            return function(people, **rest)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # whoever reads has seen enough: click ends for it without a word
            where = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{where}{error.strerror or error}") from error

    for option in reversed(options):
        called = option(called)
    return called


_OPTIONS = (
    click.option(
        "-n", "--namespace", metavar="NS", default="", help="Namespace. [default: the context's]"
    ),
    click.option("--kubeconfig", metavar="FILE", help="Kubeconfig file. [default: as kubectl]"),
    click.option("--context", metavar="NAME", default="", help="Context of the kubeconfig."),
    click.option("--as", "impersonate", metavar="USER", default="", help="Act as this user."),
    click.option(
        "--as-group",
        "impersonate_groups",
        metavar="GROUP",
        multiple=True,
        help="Act as of this group, with --as; may be repeated.",
    ),
)  # fmt: skip - one option a line


def telling_failures(work: Callable[[], T], namespace: str = "") -> T:
    """Do the work; its failures become :class:`Failure` with what to do next (in ``namespace``)."""
    from strongroom.api.errors import StatusError
    from strongroom.client.errors import ClientFailure

    try:
        return work()
    except StatusError as error:
        raise Failure(error.message + _next_step(error, namespace)) from error
    except ClientFailure as error:
        raise Failure(str(error)) from error


def _next_step(error: Any, namespace: str) -> str:
    """What to try, in a line of its own; empty where the message says it all."""
    if error.code == 401:
        return "\nThe server does not know these credentials: log in again, or choose a --context."
    if error.code == 404 and error.details is not None and error.details.kind == "secrets":
        return "\nSee what there is: strongroom secret list" + f" -n {namespace}" * bool(namespace)
    if error.code == 422 and _IMMUTABLE in error.message:
        return "\nIt is immutable: make another one, strongroom secret copy NAME --name NEW"
    return ""


def harmless(text: str) -> str:
    """The text without what would command a terminal, but for colours.

    Types, annotations and messages come from whoever may write to the cluster.
    """
    return _COMMANDS.sub("?", text)


def _width(cell: str) -> int:
    return len(click.unstyle(cell))
