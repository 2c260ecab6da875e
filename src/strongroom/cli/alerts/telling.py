"""An alert as people and programs are told of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from strongroom.api.codec import to_tree
from strongroom.api.table import human_age
from strongroom.resources.secretalert import SecretAlert, about, state, who

_LONGEST = 100


def row(alert: SecretAlert, now: datetime) -> list[object]:
    """The cells of a table."""
    spec = alert.spec
    return [
        alert.metadata.name,
        spec.severity,
        state(alert),
        who(alert),
        about(alert),
        spec.count,
        human_age(spec.lastTime, now) if spec.lastTime else "",
        _short(spec.message),
    ]


def line(alert: SecretAlert) -> str:
    """An alert that was raised, or has grown, in a line."""
    spec, meta = alert.spec, alert.metadata
    name = f"{meta.namespace}/{meta.name}"
    return f"{spec.lastTime} {spec.severity} {state(alert)} {name}: {_short(spec.message)}"


def facts(alert: SecretAlert) -> dict[str, Any]:
    """All there is to know."""
    tree = to_tree(alert)
    meta = alert.metadata
    return {
        "name": meta.name,
        "namespace": meta.namespace,
        "state": state(alert),
        **tree.get("spec", {}),
        **tree.get("status", {}),
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
