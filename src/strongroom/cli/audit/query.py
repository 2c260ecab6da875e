"""`strongroom audit query`: who read a Secret, and whatever else the log tells."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from strongroom.cli.audit.logs import (
    Active,
    Line,
    data_dir_option,
    find_log,
    lines_of,
    log_option,
)
from strongroom.cli.people import Failure, People

if TYPE_CHECKING:
    from strongroom.api.audit import AuditEvent
    from strongroom.cli.audit.matching import Matcher

T = TypeVar("T")

_TOGETHER = 1000
"""Rows whose columns are made equally wide; a long answer is printed in several such parts."""
_HEADERS = ("TIME", "USER", "VERB", "OBJECT", "CODE", "SOURCE", "VALUES")


def _read_by(convert: Callable[[str], T]) -> Callable[..., T | None]:
    """A callback for an option whose text is read so. ``convert`` raises ValueError."""

    def read(ctx: click.Context, param: click.Parameter, text: str | None) -> T | None:
        try:
            return None if text is None else convert(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return read


def _moment(text: str) -> datetime:
    from strongroom.cli.audit.matching import parse_moment

    return parse_moment(text, datetime.now(UTC))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expected an address, or a network such as 10.0.0.0/8") from None


def _secret(text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if not slash or not namespace or "/" in name:
        raise ValueError("expected NAMESPACE/NAME, or NAMESPACE/ for all in it")
    return namespace, name


@click.command("query")
@click.option(
    "--secret",
    metavar="NS/NAME",
    callback=_read_by(_secret),
    help="What concerns this Secret: by its name, and lists and watches that hold it too.",
)
@click.option("--id", "ids", metavar="ID", multiple=True, help="These requests, by their audit ID.")
@click.option("--user", "users", metavar="NAME", multiple=True, help="Who asked, or acted as whom.")
@click.option("--verb", "verbs", metavar="VERB", multiple=True, help="get, list, watch, create …")
@click.option(
    "--since", metavar="WHEN", callback=_read_by(_moment), help="From then on: 90m, 7d, or a time."
)
@click.option("--until", metavar="WHEN", callback=_read_by(_moment), help="Up to then.")
@click.option("--denied", is_flag=True, help="Only what was refused for who asked: 401 and 403.")
@click.option("--values", is_flag=True, help="Only answers that sent values of Secrets.")
@click.option(
    "--source", metavar="IP", callback=_read_by(_network), help="From this address, or network."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    help="Form of the output; json is one event a line, whole, as in the log.",
)
@log_option
@data_dir_option
def command(
    log: Path | None, data_dir: Path | None, output: str, follow: bool, **wanted: Any
) -> None:
    """Say who read a Secret, and whatever else the log tells. The newest comes last.

    Options that may be repeated (--id, --user, --verb) mean any of theirs; different ones mean
    all. A watch is told of twice: when it begins, and when it ends.

    \b
    Examples:
      strongroom audit query --secret shop/db --values --since 7d
      strongroom audit query --user system:serviceaccount:shop:web --verb list --verb watch
      strongroom audit query --denied --source 10.0.0.0/8 --follow
      strongroom audit query --secret shop/ -o json | jq -r .user.username | sort | uniq -c
    """
    from strongroom.cli.audit.matching import Matcher, Wanted

    wanted |= {name: frozenset(wanted[name]) for name in ("ids", "users", "verbs")}
    matcher, since = Matcher(Wanted(**wanted)), wanted["since"]
    path = find_log(log, data_dir)
    printer = _Printer(output)
    try:
        with Active(path) as active:
            found = _found(lines_of(active, _warn, since), matcher)
            printer.print(found)
            if follow:
                # Whoever ends it has seen enough.
                with contextlib.suppress(KeyboardInterrupt):
                    printer.follow(active, matcher)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror or error}") from error


def _found(lines: Iterator[Line], matcher: Matcher) -> Iterator[tuple[Line, AuditEvent]]:
    for line in lines:
        event = matcher.event(line.content)
        if event is not None:
            yield line, event


def _warn(file: Path) -> None:
    People().warn(f"{file} is damaged: what is behind the damage is not shown")


class _Printer:
    """Prints events as they are found, so that a long log needs no memory."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._people = People()
        self._headed = False

    def print(self, found: Iterator[tuple[Line, AuditEvent]]) -> None:
        """All of them, some at a time; people are told when there are none."""
        any_found = False
        while some := list(itertools.islice(found, _TOGETHER)):
            self._print(some)
            any_found = True
        if not any_found and self._output == "table":
            self._people.say("nothing found", err=True)

    def follow(self, active: Active, matcher: Matcher) -> None:
        """What comes, when it comes."""
        for line in active.follow():
            event = matcher.event(line.content) if line is not None else None
            if line is not None and event is not None:
                self._print([(line, event)])
                sys.stdout.flush()

    def _print(self, some: list[tuple[Line, AuditEvent]]) -> None:
        if self._output == "json":
            sys.stdout.flush()
            for line, _ in some:
                click.echo(line.content, nl=False)
        elif self._output == "yaml":
            import json

            from strongroom.api import yaml_text

            for line, _ in some:
                click.echo(f"---{os.linesep}" + yaml_text.dump(json.loads(line.content)), nl=False)
        else:
            rows = [_row(event) for _, event in some]
            headers = _HEADERS if not self._headed else rows.pop(0)
            self._headed = True
            self._people.table(headers, rows)


def _row(event: AuditEvent) -> tuple[str, ...]:
    from strongroom.api.audit import RESPONSE_STARTED, VALUES

    who = event.user.username or "-"
    if event.impersonatedUser is not None:
        who += f" as {event.impersonatedUser.username}"
    begun = " (begins)" if event.stage == RESPONSE_STARTED else ""
    return (
        event.stageTimestamp[:19] + "Z",
        who,
        event.verb + begun,
        _object(event),
        str(event.code or "-"),
        ",".join(event.sourceIPs) or "-",
        event.annotations.get(VALUES, "-"),
    )


def _object(event: AuditEvent) -> str:
    reference = event.objectRef
    if reference is None:
        return event.requestURI.partition("?")[0]
    kind = reference.resource + (f"/{reference.subresource}" if reference.subresource else "")
    place = f"{reference.namespace}/" if reference.namespace else ""
    return f"{kind} {place}{reference.name or '*'}"
