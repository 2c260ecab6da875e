"""SecretAlert: that somebody did with Secrets what an audit rule watches for, and the evidence.

The server writes one for each incident, in the namespace of the Secrets or, where there are
several, in ``kube-system``; clients read them, acknowledge them by the path ``status``, and delete
them. Who acknowledges is written down by the server, whatever the request says. There is no value
in one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.api.table import human_age
from strongroom.api.times import format_time
from strongroom.api.validation import Path, too_long
from strongroom.resources.columns import NAME, NONE
from strongroom.resources.resource import Column, Resource, Subresource

API_PACKAGE = "io.strongroom.v1alpha1"
"""Where OpenAPI places the types of this module."""

SEVERITIES = ("low", "medium", "high", "critical")
"""From the least to the most severe."""

OPEN, ACKNOWLEDGED = "Open", "Acknowledged"

_LONGEST_NOTE = 1024


class AlertedUser(Struct):
    """Who made the requests."""

    name: Annotated[str, F(1, "Name of the user; empty for one that nobody could identify.")] = ""
    groups: Annotated[list[str], F(2, "Groups of the user.", list_type="atomic")] = []
    actingAs: Annotated[
        list[str], F(3, "Names of users as whom the user acted.", list_type="atomic")
    ] = []
    addresses: Annotated[
        list[str], F(4, "Addresses that the requests came from.", list_type="atomic")
    ] = []
    userAgents: Annotated[
        list[str], F(5, "What the clients called themselves.", list_type="atomic")
    ] = []


class AlertedSecret(Struct):
    """A Secret, or all Secrets of a namespace."""

    namespace: Annotated[str, F(1, "Namespace of the Secret; empty for all namespaces.")] = ""
    name: Annotated[str, F(2, "Name of the Secret; empty for all of them.")] = ""


class SecretAlertSpec(Struct):
    """What was seen."""

    rule: Annotated[str, F(1, "Name of the rule in the AlertPolicy.", required=True)] = ""
    type: Annotated[str, F(2, "Kind of the rule, such as `ManySecretsRead`.")] = ""
    severity: Annotated[str, F(3, "How bad it may be.", enum=SEVERITIES, required=True)] = ""
    message: Annotated[str, F(4, "What happened, for people.")] = ""
    user: Annotated[AlertedUser, F(5, "Who made the requests, and from where.")] = msgspec.field(
        default_factory=AlertedUser
    )
    secrets: Annotated[
        list[AlertedSecret], F(6, "The first Secrets that were asked for.", list_type="atomic")
    ] = []
    secretCount: Annotated[
        int, F(7, "How many Secrets the requests were about, as far as counted.", format="int64")
    ] = 0
    verbs: Annotated[
        list[str], F(8, "What was done: get, list, watch and so on.", list_type="atomic")
    ] = []
    codes: Annotated[
        list[int], F(9, "How the server answered.", list_type="atomic", format="int32")
    ] = []
    reasons: Annotated[
        list[str],
        F(
            10,
            "By what it was allowed, or why it was not, as told by the authorizer.",
            list_type="atomic",
        ),
    ] = []  # fmt: skip - one description a line
    count: Annotated[int, F(11, "How many requests the alert counts.", format="int64")] = 0
    firstTime: Annotated[
        str, F(12, "When the first of them was received.", format="date-time", micro=True)
    ] = ""
    lastTime: Annotated[
        str, F(13, "When the last of them was received.", format="date-time", micro=True)
    ] = ""
    auditIDs: Annotated[
        list[str],
        F(14, "The first and last requests in the audit log.", list_type="atomic"),
    ] = []
    incident: Annotated[str, F(15, "What the server knows the incident by, over restarts.")] = ""


class AlertAcknowledgement(Struct):
    """That somebody has seen to it."""

    by: Annotated[str, F(1, "Name of the user who did; set by the server.")] = ""
    time: Annotated[str, F(2, "When; set by the server.", format="date-time")] = ""
    note: Annotated[str, F(3, "What they have to say.")] = ""


class SecretAlertStatus(Struct):
    """What became of it."""

    acknowledgement: Annotated[
        AlertAcknowledgement | None, F(1, "Who acknowledged the alert; none while it is open.")
    ] = None


class SecretAlert(Object):
    """Somebody did with Secrets what an audit rule watches for; without any value."""

    spec: Annotated[SecretAlertSpec, F(2, "What was seen.")] = msgspec.field(
        default_factory=SecretAlertSpec
    )
    status: Annotated[SecretAlertStatus, F(3, "What became of it.")] = msgspec.field(
        default_factory=SecretAlertStatus
    )


def state(alert: SecretAlert) -> str:
    """``Open`` or ``Acknowledged``."""
    return OPEN if alert.status.acknowledgement is None else ACKNOWLEDGED


def severity_rank(alert: SecretAlert) -> int:
    """The place of its severity in ``SEVERITIES``."""
    severity = alert.spec.severity
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def who(alert: SecretAlert) -> str:
    """The user, or the address of one that nobody could identify."""
    user = alert.spec.user
    return user.name or next(iter(user.addresses), "") or NONE


def about(alert: SecretAlert) -> str:
    """The Secrets, in a word: the only one's name, or how many."""
    secrets = alert.spec.secrets
    if not secrets:
        return NONE
    if len(secrets) > 1:
        return f"{max(alert.spec.secretCount, len(secrets))} secrets"
    (one,) = secrets
    return f"{one.namespace or '*'}/{one.name or '*'}"


def _acknowledged(new: SecretAlert, old: SecretAlert) -> SecretAlert:
    """By ``status``: what the new one says of its acknowledgement, and nothing else."""
    new.spec = old.spec
    return new


def _stamp(new: SecretAlert, old: SecretAlert, now: datetime) -> None:
    given, known = new.status.acknowledgement, old.status.acknowledgement
    if given is not None and (known is None or given.note != known.note):
        given.by, given.time = "", format_time(now)
    elif given is not None and known is not None:
        given.by, given.time = known.by, known.time


def _note_errors(new: SecretAlert, old: SecretAlert) -> list[FieldError]:
    given = new.status.acknowledgement
    if given is None or len(given.note.encode()) <= _LONGEST_NOTE:
        return []
    return [too_long(Path("status") / "acknowledgement" / "note", _LONGEST_NOTE)]


SECRET_ALERTS: Resource[SecretAlert] = Resource(
    group="strongroom.io",
    version="v1alpha1",
    kind="SecretAlert",
    plural="secretalerts",
    singular="secretalert",
    type=SecretAlert,
    namespaced=True,
    verbs=("delete", "deletecollection", "get", "list", "watch"),
    subresources=(Subresource("status", _acknowledged, _note_errors, _stamp),),
    columns=(
        NAME,
        Column("Severity", lambda a, now: a.spec.severity, description="How bad it may be."),
        Column("Type", lambda a, now: a.spec.type, description="Kind of the rule."),
        Column("User", lambda a, now: who(a), description="Who made the requests."),
        Column("Secret", lambda a, now: about(a), description="What they asked for."),
        Column("Count", lambda a, now: a.spec.count, "integer", description="How many requests."),
        Column("State", lambda a, now: state(a), description="Open or Acknowledged."),
        Column(
            "Last",
            lambda a, now: human_age(a.spec.lastTime, now) if a.spec.lastTime else NONE,
            description="Time since the last of them.",
        ),
    ),
    field_selectors={
        "spec.rule": lambda a: a.spec.rule,
        "spec.severity": lambda a: a.spec.severity,
        "spec.user.name": lambda a: a.spec.user.name,
    },
)
