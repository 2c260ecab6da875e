"""What `doctor rbac` measures rights against: an audit log; and whom it is asked about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli.audit.logs import find_log
from strongroom.cli.people import Failure, People
from strongroom.cli.status import subject

if TYPE_CHECKING:
    from strongroom.api.audit import EventUser
    from strongroom.cli.rights.held import Grant, Whom
    from strongroom.cli.rights.used import History

USUAL = timedelta(days=30)
_ADVICE = "--audit-log PATH"
_KINDS = {"user": "User", "group": "Group", "serviceaccount": "ServiceAccount"}


def log_of(people: People, log: Path | None) -> Path:
    """The audit log that was named, or that of the cluster that is asked. Raises Failure."""
    if log is not None:
        return find_log(log, None, _ADVICE)
    directory, _ = subject(None, people.kubeconfig, os.environ.get("KUBECONFIG", ""))
    if directory is None or people.context:
        raise Failure(f"which audit log is that cluster's? Name it: {_ADVICE}")
    return find_log(None, directory, _ADVICE)


def history_of(
    people: People,
    path: Path,
    span: timedelta | None,
    of: Callable[[EventUser], bool],
    grants: Iterable[Grant] = (),
) -> History:
    """What was used in that time, or as long as the log reaches back. Raises OSError."""
    from strongroom.cli.rights.used import read_history

    def damaged(file: Path) -> None:
        people.warn(f"{file} is damaged: nothing is known from before its end")

    now = datetime.now(UTC)
    since = now - span if span is not None else datetime.fromtimestamp(0, UTC)
    names = frozenset(n for g in grants for rule in g.held.rules for n in rule.names)
    history = read_history(path, since, now, of=of, names=names, damaged=damaged)
    if history.lost:
        people.warn(f"{history.lost} events could not be written at the time, and are not known")
    return history


def parse_subject(text: str, users: Iterable[EventUser]) -> Whom:
    """Who is meant: ``NS:NAME`` is a user if the log has one of that name, else an account."""
    from strongroom.cli.rights.held import Whom

    if any(user.username == text for user in users):
        return _account(text) or Whom("User", text)
    kind, colon, name = text.partition(":")
    if kind in _KINDS and name:
        where, slash, last = name.partition("/") if kind == "serviceaccount" else ("", "", name)
        return Whom(_KINDS[kind], last or where, where if slash else "")
    if not colon or kind == "system":
        return _account(text) or Whom("User", text)
    return Whom("ServiceAccount", name, kind)


def _account(text: str) -> Whom | None:
    from strongroom.cli.rights.held import Whom

    prefix = "system:serviceaccount:"
    namespace, _, name = text.removeprefix(prefix).partition(":")
    return Whom("ServiceAccount", name, namespace) if text.startswith(prefix) and name else None
