"""Audit logs in a few words, for tables of cases.

A line is ``USER VERB [NS/]RESOURCE[/SUB][.GROUP] [NAME] [=CODE] [KEY=VALUE …]``, or ``USER VERB
/PATH``. ``values=1`` and ``keys=a,b`` are the annotations, ``as=USER`` whom they acted as,
``part=metadata`` by which right, ``at=2026-01-01T00:00:00Z`` when.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from strongroom.cli.rights.used import History, Use, read_history

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OURS = {"chain.strongroom.io/link": "1.a.b"}


def event(line: str, *, ours: bool = True) -> dict[str, Any]:
    """The event that a line stands for."""
    user, verb, what, *words = line.split()
    facts = dict(word.split("=", 1) for word in words if "=" in word)
    name = next((word for word in words if "=" not in word), "")
    code = int(facts.get("", 200))
    notes = {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"}
    notes |= OURS if ours else {}
    for key in ("values", "keys"):
        notes |= {f"secrets.strongroom.io/{key}": facts[key]} if key in facts else {}
    if "part" in facts:
        notes["authorization.k8s.io/reason"] = f"secrets/{facts['part']}: RBAC: allowed"
    told: dict[str, Any] = {
        "auditID": "x",
        "stage": facts.get("stage", "ResponseComplete"),
        "verb": verb,
        "requestURI": facts.get("uri", what if what.startswith("/") else "/u"),
        "user": _user(user),
        "responseStatus": {"code": code},
        "stageTimestamp": facts.get("at", "2026-02-20T00:00:00.000000Z"),
        "annotations": notes,
    }
    if "as" in facts:
        told["impersonatedUser"] = _user(facts["as"])
    if not what.startswith("/"):
        told["objectRef"] = _reference(what, name)
    return told


def _user(text: str) -> dict[str, Any]:
    name, *groups = text.split("+")
    return {"username": name, "groups": [*groups, "system:authenticated"]}


def _reference(what: str, name: str) -> dict[str, str]:
    thing, _, group = what.partition(".")
    namespace, *parts = thing.split("/") if thing[0].isupper() else ["", *thing.split("/")]
    told = {"apiGroup": group, "resource": parts[0], "subresource": "/".join(parts[1:])}
    told |= {"namespace": namespace.lower(), "name": name}
    return {key: value for key, value in told.items() if value}


def written(path: Path, text: str, *, ours: bool = True) -> Path:
    """A log file of these lines."""
    lines = [json.dumps(event(line, ours=ours)) + "\n" for line in _lines(text)]
    path.write_text("".join(lines))
    return path


def history(
    path: Path, text: str, *, ours: bool = True, names: frozenset[str] = frozenset()
) -> History:
    """What a log of these lines tells, from the beginning of the year on."""
    log = written(path / "audit.log", text, ours=ours)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return read_history(log, since, NOW, of=lambda _: True, names=names, damaged=_fail)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _fail(file: Path) -> None:
    raise AssertionError(file)


def uses(told: History, user: str) -> list[Use]:
    """What one user did."""
    return [use for who, done in told.uses.items() if who.username == user for use in done]
