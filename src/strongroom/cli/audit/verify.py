"""`strongroom audit verify`: whether anything was changed in the log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.audit.logs import (
    Active,
    data_dir_option,
    find_key,
    find_log,
    lines_of,
    log_option,
)
from strongroom.cli.output import dump, output_option
from strongroom.cli.people import Failure, Found, harmless

if TYPE_CHECKING:
    from strongroom.audit_chain import ChainKey
    from strongroom.cli.audit.verification import Report

_CHECKPOINT = re.compile(r"([0-9]{1,18}):([0-9a-f]{32})")


def _anchors(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[int, str]:
    anchors = {}
    for text in values:
        found = _CHECKPOINT.fullmatch(text)
        if found is None:
            raise click.BadParameter("expected NUMBER:MAC, as an earlier verify printed it")
        anchors[int(found[1])] = found[2]
    return anchors


@click.command("verify")
@log_option
@data_dir_option
@click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key of the chain, with the head beside it. [default: beside the encryption key]",
)
@click.option(
    "--checkpoint",
    "anchors",
    metavar="NUMBER:MAC",
    multiple=True,
    callback=_anchors,
    help="An event that must be there, as an earlier verify printed it; may be repeated.",
)
@output_option
def command(
    log: Path | None,
    data_dir: Path | None,
    key_file: Path | None,
    anchors: dict[int, str],
    output: str,
) -> None:
    """Say whether anything was changed in the log, removed from it, or put into it.

    Run it as the user of the server, who may read the log and the key. Exits with 3 when something
    is wrong, and tells what. The checkpoint that is printed, kept elsewhere, proves later that the
    log up to there is still the same, even to who suspects the server's own machine.

    \b
    Examples:
      strongroom audit verify
      strongroom audit verify --data-dir ./room -o json
      strongroom audit verify --log /var/log/audit.log --key-file /root/the.audit.key
    """
    path = find_log(log, data_dir)
    key_path = find_key(key_file, data_dir)
    try:
        key, report = _verify(path, key_path, anchors)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror or error}") from error
    if output == "text":
        click.echo(harmless(_text(report, key, key_path)))
    else:
        click.echo(dump(_facts(report, key, path, key_path), output), nl=False)
    if report.findings:
        raise Found


def _verify(path: Path, key_path: Path, anchors: dict[int, str]) -> tuple[ChainKey, Report]:
    """Read it all. Raises Failure, OSError."""
    from strongroom.audit_chain import ChainError, ChainKey, boot_id, head_file, read_head
    from strongroom.cli.audit.verification import Verifier

    try:
        key = ChainKey.load(key_path)
        # Before the first line is read: the log is always ahead of it.
        head = read_head(head_file(key_path))
        with Active(path) as active:
            verifier = Verifier(key, head, anchors)
            for line in lines_of(active, verifier.damaged):
                verifier.take(line)
            now = read_head(head_file(key_path))
            report = verifier.finish(active=active.there, floor=now.floor if now else 0)
    except ChainError as error:
        raise Failure(str(error)) from error
    if head is None:
        report.notes.append(
            f"there is no {head_file(key_path)}: missing ends and first files are not noticed"
        )
    elif head.boot != boot_id() and any(f.kind == "truncated" for f in report.findings):
        report.notes.append(
            "the machine was started anew since: by a power cut, the last moments may be lost"
        )
    return key, report


def _text(report: Report, key: ChainKey, key_path: Path) -> str:
    files = "1 file" if report.files == 1 else f"{report.files} files"
    events = "1 event" if report.events == 1 else f"{report.events} events"
    lines = [f"{f.kind}: {f.text}" for f in report.findings]
    lines += [f"and {report.more} more"] if report.more else []
    lines += [f"note: {text}" for text in report.notes]
    if report.older:
        lines.append(f"note: {report.older} older events are from before the log was chained")
    if report.lost:
        lines.append(f"note: {report.lost} events could not be written, as the log itself says")
    word = (
        click.style("NOT WHOLE", fg="red") if report.findings else click.style("whole", fg="green")
    )
    span = f", {report.first} to {report.last}" if report.events else ""
    lines.append(f"{word}: {events} in {files}{span}")
    if report.events:
        lines.append(f"from {report.since} to {report.until}")
        lines.append(f"checkpoint {report.checkpoint}")
    lines.append(f"key {key.id} in {key_path}")
    return "\n".join(lines)


def _facts(report: Report, key: ChainKey, path: Path, key_path: Path) -> dict[str, Any]:
    return {
        "whole": not report.findings,
        "log": str(path),
        "key": {"id": key.id, "file": str(key_path)},
        "events": report.events,
        "files": report.files,
        "first": report.first,
        "last": report.last,
        "from": report.since,
        "to": report.until,
        "checkpoint": report.checkpoint,
        "olderEvents": report.older,
        "lostEvents": report.lost,
        "findings": [{"kind": f.kind, "text": f.text} for f in report.findings],
        "moreFindings": report.more,
        "notes": report.notes,
    }
