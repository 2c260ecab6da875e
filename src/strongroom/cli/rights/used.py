"""What rights were used for, as an audit log tells: every question that was answered yes.

An event tells the request, so what else was asked on its way (whether its user may act as another,
create what they apply, bind a role) is added here as far as it shows. What was sent of a Secret
decides which of its resources would have done: the Secret, its metadata, or keys of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec

from strongroom.api.audit import (
    DECISION,
    KEYS,
    LOST,
    REASON,
    REQUEST_RECEIVED,
    VALUES,
    AuditEvent,
    EventUser,
    decode_event,
)
from strongroom.audit_files import open_log, rotated
from strongroom.cli.audit.logs import Active, lines_of
from strongroom.cli.audit.matching import selected_name, stamp
from strongroom.cli.rights.held import MASTERS
from strongroom.resources.rbac import GROUP
from strongroom.resources.rbac_rules import Rule

_READING = ("get", "list", "watch")
_OURS = (b"chain.strongroom.io/", b"secrets.strongroom.io/")
"""Only this server's logs tell whether values were sent."""
_UNSAFE = "ignoreStoreReadErrorWithClusterBreakingPotential=true"
_ACCOUNT = "system:serviceaccount:"
_IMPLIED = ("system:authenticated", "system:serviceaccounts")
"""Groups that somebody who is impersonated is in unasked."""
_NAMED = frozenset({"secrets", "serviceaccounts", "users", "groups", "uids"})
"""Resources whose names matter; those of others are as many as there are objects."""
_SURMISED = {
    ("create", "roles"): [("escalate", GROUP, "roles")],
    ("create", "rolebindings"): [("bind", GROUP, "roles"), ("bind", GROUP, "clusterroles")],
    ("create", "clusterroles"): [("escalate", GROUP, "clusterroles")],
    ("create", "clusterrolebindings"): [("bind", GROUP, "clusterroles")],
    ("update", "certificatesigningrequests"): [("approve", "certificates.k8s.io", "signers")],
}
"""What may have been asked on the way of a request, which no event tells."""


@dataclass(frozen=True, slots=True)
class Use:
    """Something that somebody was allowed to do, in the form in which rules are asked about it.

    ``name`` is empty where it was none or does not matter.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    part: str = ""
    """Of a read Secret: ``metadata`` or ``keys`` if no more was shown, ``?`` if nothing was."""
    keys: tuple[str, ...] = ()
    surmised: bool = False
    """Whether it may have been asked on the way, for some name."""

    @property
    def is_resource(self) -> bool:
        return not self.path

    def covered(self, rule: Rule) -> bool:
        """Whether a rule would have allowed it, or a part of it that would have done."""
        if self.surmised:
            return replace(rule, names=()).allows(self)
        if rule.allows(self):
            return True
        if self.part in ("metadata", "?") and rule.allows(replace(self, subresource="metadata")):
            return True
        if self.part not in ("keys", "?"):
            return False
        asked = replace(self, subresource="keys")
        unlimited = replace(rule, names=())
        # Where nothing was shown, any key of it may have been asked for.
        return unlimited.allows(asked) and (
            not rule.names or any(name.startswith(f"{self.name}/") for name in rule.names)
        )


@dataclass(slots=True)
class History:
    """Who used what, from ``since`` on, which is never before the log begins."""

    since: datetime
    begins: datetime
    """When the log begins, as far as it can be read."""
    uses: dict[EventUser, dict[Use, str]] = field(default_factory=dict)
    """By user with groups: what, and when for the last time."""
    lost: int = 0
    """Events that the server could not write."""
    tells_values: bool = False
    """Whether it tells of which Secrets values were sent."""

    def note(self, user: EventUser, use: Use, moment: str) -> None:
        """Somebody did something at a moment, not before the last one."""
        self.uses.setdefault(user, {})[use] = moment

    def wholly(self) -> None:
        """Take each read of a Secret for one of values: the log does not tell."""
        for user, uses in self.uses.items():
            self.uses[user] = {replace(use, part="", keys=()): at for use, at in uses.items()}


def read_history(
    path: Path,
    since: datetime,
    now: datetime,
    *,
    of: Callable[[EventUser], bool],
    names: frozenset[str] = frozenset(),
    damaged: Callable[[Path], None],
) -> History:
    """Read a log. ``of`` chooses users, ``names`` are those that rules name. Raises OSError."""
    begins = _begins(path)
    late = False

    def tell(file: Path) -> None:
        nonlocal late
        late = True
        damaged(file)

    history = History(since, now)
    first, names = stamp(since), names | {""}
    known: dict[EventUser, EventUser | None] = {}
    with Active(path) as active:
        for line in lines_of(active, tell, since):
            event = _event(line.content)
            if event is None:
                continue
            if begins is None or late:
                # What stood before the end of a damaged file is not known.
                begins, late = _moment(event.stageTimestamp), False
            history.tells_values = history.tells_values or any(o in line.content for o in _OURS)
            if event.stageTimestamp >= first and event.stage != REQUEST_RECEIVED:
                history.lost += int(event.annotations.get(LOST, 0))
                for who, use in _uses(event, names):
                    _note(history, known, of, who, use, event.stageTimestamp)
    history.begins = now if late or begins is None else begins
    history.since = max(since, history.begins)
    if not history.tells_values:
        history.wholly()
    return history


def _note(
    history: History,
    known: dict[EventUser, EventUser | None],
    of: Callable[[EventUser], bool],
    who: EventUser,
    use: Use,
    moment: str,
) -> None:
    user = EventUser(who.username, groups=who.groups)
    if user not in known:
        known[user] = user if of(user) else None
    if known[user] is not None:
        history.note(user, use, moment)


def needs_rights(user: EventUser) -> bool:
    """Whether somebody may only what they are given."""
    return MASTERS not in user.groups


def _begins(path: Path) -> datetime | None:
    """When the oldest file begins, if that can be read."""
    for file in [*rotated(path), path]:
        try:
            with open_log(file) as content:
                event = _event(content.readline())
        except (OSError, EOFError):
            return None
        return _moment(event.stageTimestamp) if event is not None else None
    return None


def _event(line: bytes) -> AuditEvent | None:
    try:
        return decode_event(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _uses(event: AuditEvent, names: frozenset[str]) -> Iterator[tuple[EventUser, Use]]:
    """What was used by whom."""
    other = event.impersonatedUser
    if other is not None:
        for taken in _impersonation(other):
            yield event.user, taken
    if not _allowed(event):
        return
    use = _asked(event, names)
    if use is None:
        return
    yield event.acting, use
    if event.code == 201 and use.verb in ("update", "patch") and not use.subresource:
        # Asked with the name of the URL, unlike a create by POST.
        yield event.acting, replace(use, verb="create")
    if use.verb.startswith("delete") and _UNSAFE in event.requestURI:
        yield event.acting, replace(use, verb="unsafe-delete-ignore-read-errors")
    writing = "create" if use.subresource == "" and use.verb in ("update", "patch") else use.verb
    writing = "update" if use.subresource == "approval" else writing
    for verb, group, resource in _SURMISED.get((writing, use.resource), ()):
        yield (
            event.acting,
            Use(verb, group, resource, namespace=use.namespace, surmised=True),
        )


def _allowed(event: AuditEvent) -> bool:
    decision = event.annotations.get(DECISION)
    # An authorizer that does not tell its decision refuses by these codes.
    return decision == "allow" if decision else event.code not in (0, 401, 403)


def _asked(event: AuditEvent, names: frozenset[str]) -> Use | None:
    """The request as its authorizers were asked about it."""
    what = event.objectRef
    if what is None:
        path = unquote(event.requestURI.partition("?")[0])
        return Use(event.verb, path=path) if path else None
    name = what.name
    if event.verb == "create" and not what.subresource:
        name = ""  # It stands in the body, which authorizers do not see.
    elif not name and event.verb in ("list", "watch", "deletecollection"):
        name = selected_name(event.requestURI)
    if what.resource not in _NAMED and name not in names:
        name = ""
    use = Use(event.verb, what.apiGroup, what.resource, what.subresource, what.namespace, name)
    secrets = (what.apiGroup, what.resource, what.subresource) == ("", "secrets", "")
    return _read(event, use) if secrets and event.verb in _READING else use


def _read(event: AuditEvent, use: Use) -> Use:
    """A read of Secrets, with what was shown of them."""
    reason = event.annotations.get(REASON, "")
    if KEYS in event.annotations or reason.startswith("secrets/keys"):
        keys = event.annotations.get(KEYS, "")
        return replace(use, part="keys", keys=tuple(filter(None, keys.split(","))))
    if VALUES in event.annotations:
        return use
    if reason.startswith("secrets/metadata") or event.code < 400:
        return replace(use, part="metadata")
    return replace(use, part="?")


def _impersonation(other: EventUser) -> Iterator[Use]:
    """What somebody needed to act as another."""
    name = other.username
    own = set(_IMPLIED)
    if name.startswith(_ACCOUNT):
        namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
        own.add(f"system:serviceaccounts:{namespace}")
        yield Use("impersonate", resource="serviceaccounts", namespace=namespace, name=account)
    else:
        yield Use("impersonate", resource="users", name=name)
    for group in other.groups:
        if group not in own:
            yield Use("impersonate", resource="groups", name=group)
    if other.uid:
        yield Use("impersonate", "authentication.k8s.io", "uids", name=other.uid)
