"""The past of a Secret as people see it: its states in order, when each began and by whose act.

The server keeps how each state *ended*; who looks at history wants to know how each *began*, which
is how the one before it ended. A state is known by the resourceVersion that the Secret had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret
    from strongroom.resources.secretrevision import SecretRevision

_ATTEMPTS = 5

NO_HISTORY = (
    "this cluster keeps no history of Secrets: only strongroom's own API server does "
    "(--secret-history-limit)"
)


@dataclass(frozen=True, slots=True)
class State:
    """What a Secret held from one change to the next.

    ``written``, ``by`` and ``how`` tell how it began; empty where that is not known any more.
    """

    number: int
    type: str
    data: dict[str, bytes] = field(repr=False)
    uid: str
    labels: dict[str, str]
    annotations: dict[str, str] = field(repr=False)
    immutable: bool
    current: bool = False
    written: str = ""
    by: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All states that are kept of the Secrets of one name, the newest first.

    ``secret`` is the one that is there now; without it, ``deleted`` and ``deleted_by`` tell of its
    end.
    """

    namespace: str
    name: str
    states: Sequence[State]
    secret: Secret | None = field(default=None, repr=False)
    deleted: str = ""
    deleted_by: str = ""

    def state(self, text: str) -> State:
        """The state that a person names, by its number or the name of the kept object.

        Raises Failure.
        """
        number = text.removeprefix(f"{self.name}.")
        for state in self.states:
            if str(state.number) == number:
                return state
        raise Failure(
            f"revision {text} of secret {self.name} is not kept\n"
            f"See what is: strongroom secret history {self.name}"
        )

    def before(self, state: State) -> State | None:
        """The state that came before another, if it is kept."""
        at = [known.number for known in self.states].index(state.number) + 1
        return self.states[at] if at < len(self.states) else None


@dataclass(frozen=True, slots=True)
class Change:
    """What makes one state different from another, by key."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def __str__(self) -> str:
        told = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return "; ".join(f"{what} {', '.join(keys)}" for what, keys in told if keys)


def change_between(old: dict[str, bytes], new: dict[str, bytes]) -> Change:
    """What became of which key."""
    return Change(
        added=sorted(new.keys() - old.keys()),
        changed=sorted(key for key in old.keys() & new.keys() if old[key] != new[key]),
        removed=sorted(old.keys() - new.keys()),
    )


async def timeline(client: Client, namespace: str, name: str) -> Timeline:
    """The past of a Secret, and the present. Raises StatusError, and Failure where there is none.

    The two are read one after the other: where a change came between, both are read again.
    """
    from strongroom.cli.secret.change import find
    from strongroom.resources.secretrevision import newest_first

    for _ in range(_ATTEMPTS):
        secret = await find(client, namespace, name)
        revisions = newest_first(await kept(client, namespace, name))
        newest = int(revisions[0].spec.secretResourceVersion) if revisions else 0
        if secret is None or newest < int(secret.metadata.resourceVersion):
            if secret is None and not revisions:
                raise Failure(
                    f"there is no secret {name} in namespace {namespace}, and nothing is kept of "
                    "one\nSee what is: strongroom secret history"
                )
            return _ordered(namespace, name, secret, revisions)
    raise Failure(f"secret {name} is changed by others all the time; try again")


async def kept(client: Client, namespace: str, name: str) -> list[SecretRevision]:
    """What the server keeps of a Secret. Raises StatusError, and Failure where it keeps nothing."""
    from strongroom.resources.secretrevision import SECRET_REVISIONS

    selector = f"spec.secretName={name}"
    try:
        page = await client.list(SECRET_REVISIONS, namespace, field_selector=selector)
    except StatusError as error:
        raise unknown_kind(error) from error
    return page.items


def unknown_kind(error: StatusError) -> Exception:
    """What to tell when a list of revisions fails.

    A server that has none answers 404, and 403 to those who may not do everything: it asks for
    rights before it looks for the kind.
    """
    if error.code == 403:
        return Failure(
            f"{error.message}\nWhat Secrets held is read by rights of its own: get, list and watch "
            "on secretrevisions in strongroom.io, on strongroom's own API server"
        )
    return Failure(NO_HISTORY) if error.code == 404 else error


def _ordered(
    namespace: str, name: str, secret: Secret | None, revisions: list[SecretRevision]
) -> Timeline:
    states: list[State] = [] if secret is None else [_present(secret, revisions)]
    for at, revision in enumerate(revisions):
        states.append(_past(revision, revisions[at + 1 : at + 2]))
    ended = revisions[0].spec if secret is None else None
    if ended is not None and ended.operation != "delete":
        # What was kept of the deletion is gone itself.
        ended = None
    return Timeline(
        namespace,
        name,
        states,
        secret,
        ended.replacedAt if ended else "",
        ended.replacedBy if ended else "",
    )


def _present(secret: Secret, before: list[SecretRevision]) -> State:
    meta = secret.metadata
    return State(
        number=int(meta.resourceVersion),
        type=secret.type,
        data=secret.data,
        uid=meta.uid,
        labels=meta.labels,
        annotations=meta.annotations,
        immutable=bool(secret.immutable),
        current=True,
        **_beginning(meta.uid, meta.creationTimestamp, before),
    )


def _past(revision: SecretRevision, before: list[SecretRevision]) -> State:
    spec = revision.spec
    return State(
        number=int(spec.secretResourceVersion),
        type=spec.type,
        data=revision.data,
        uid=spec.secretUID,
        labels=spec.labels,
        annotations=spec.annotations,
        immutable=bool(spec.immutable),
        **_beginning(spec.secretUID, spec.secretCreationTimestamp, before),
    )


def _beginning(uid: str, created: str, before: list[SecretRevision]) -> dict[str, Any]:
    """How a state began: by what ended the one before it, or with the Secret itself."""
    if not before:
        return {}
    spec = before[0].spec
    if spec.secretUID != uid:
        return {"written": created, "how": "create"}
    return {"written": spec.replacedAt, "by": spec.replacedBy, "how": spec.operation}
