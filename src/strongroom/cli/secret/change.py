"""One change of a Secret, whether it is there or not, and what it did to which key.

Only what is named is written, by a patch on condition that the Secret is still as it was read: what
others write meanwhile stays, and the change is worked out anew from it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure, People
from strongroom.resources.secret import OPAQUE, SECRETS, Secret

if TYPE_CHECKING:
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.client.client import Client

_ATTEMPTS = 10


@dataclass(slots=True)
class Wanted:
    """What a Secret shall have; what is not named stays. None removes a label or annotation."""

    data: dict[str, bytes] = field(default_factory=dict, repr=False)
    removed: frozenset[str] = frozenset()
    type: str = ""
    labels: dict[str, str | None] = field(default_factory=dict)
    annotations: dict[str, str | None] = field(default_factory=dict)
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The Secret before, if there was one, and as it is now."""

    old: Secret | None = field(repr=False)
    new: Secret = field(repr=False)

    @property
    def result(self) -> str:
        """``created``, ``changed`` or ``unchanged``."""
        if self.old is None:
            return "created"
        same = self.old.metadata.resourceVersion == self.new.metadata.resourceVersion
        return "unchanged" if same and self.old.data == self.new.data else "changed"

    def states(self) -> list[tuple[str, str]]:
        """Each key that is or was there, with what became of it: ``new``, ``kept`` and so on."""
        old = self.old.data if self.old else {}
        return [
            (key, _state(old.get(key), self.new.data.get(key)))
            for key in sorted(old.keys() | self.new.data.keys())
        ]


def _state(old: bytes | None, new: bytes | None) -> str:
    if new is None:
        return "removed"
    if old is None:
        return "new"
    return "kept" if old == new else "changed"


async def store(
    client: Client,
    namespace: str,
    name: str,
    wanted_of: Callable[[Secret | None], Wanted],
    *,
    dry_run: bool = False,
) -> Outcome:
    """Make the Secret, or change it as ``wanted_of(what is there)`` says.

    Raises StatusError, and Failure when others change it all the time.
    """
    for _ in range(_ATTEMPTS):
        old = await find(client, namespace, name)
        wanted = wanted_of(old)
        try:
            if old is None:
                made = _new(name, wanted)
                new = await client.create(SECRETS, made, namespace, dry_run=dry_run)
            else:
                body = _patch(old, wanted)
                new = await client.patch(SECRETS, name, namespace, body, dry_run=dry_run)
        except StatusError as error:
            if _overtaken(error, old):
                continue
            raise
        return Outcome(old, new)
    raise Failure(f"secret {name} is changed by others all the time; nothing was written")


async def find(client: Client, namespace: str, name: str) -> Secret | None:
    """The Secret, if it is there. Raises StatusError."""
    try:
        return await client.get(SECRETS, name, namespace)
    except StatusError as error:
        if error.code == 404 and error.reason == "NotFound":
            return None
        raise


def _overtaken(error: StatusError, old: Secret | None) -> bool:
    """Whether the Secret came, changed or went between the reading and the writing."""
    if old is None:
        return error.reason == "AlreadyExists"
    return error.reason == "Conflict" or (error.code == 404 and error.reason == "NotFound")


def _new(name: str, wanted: Wanted) -> Secret:
    secret = Secret(data=wanted.data, type=wanted.type or OPAQUE)
    secret.immutable = True if wanted.immutable else None
    secret.metadata.name = name
    secret.metadata.labels = _present(wanted.labels)
    secret.metadata.annotations = _present(wanted.annotations)
    return secret


def _present(entries: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in entries.items() if value is not None}


def _patch(old: Secret, wanted: Wanted) -> dict[str, Any]:
    data: dict[str, str | None] = {key: None for key in wanted.removed if key in old.data}
    data |= {key: base64.b64encode(value).decode() for key, value in wanted.data.items()}
    meta: dict[str, Any] = {"resourceVersion": old.metadata.resourceVersion}
    meta |= {"labels": wanted.labels} if wanted.labels else {}
    meta |= {"annotations": wanted.annotations} if wanted.annotations else {}
    body: dict[str, Any] = {"metadata": meta}
    body |= {"data": data} if data else {}
    body |= {"type": wanted.type} if wanted.type else {}
    return body | ({"immutable": True} if wanted.immutable else {})


def tell(people: People, outcome: Outcome, prints: Fingerprints, output: str, note: str) -> None:
    """Print what was done, key by key. ``note`` follows the first line, such as ``(dry run)``."""
    secret = outcome.new
    where = f"secret {secret.metadata.name} {outcome.result} in namespace "
    head = where + secret.metadata.namespace + (f" {note}" if note else "")
    keys = [
        {"key": key, "state": state, **_shown(secret.data.get(key), prints)}
        for key, state in outcome.states()
    ]
    if output != "text":
        facts = {
            "namespace": secret.metadata.namespace,
            "name": secret.metadata.name,
            "type": secret.type,
            "result": outcome.result,
            "resourceVersion": secret.metadata.resourceVersion,
        }
        people.emit({**facts, "keys": keys}, output)
        return
    people.say(head)
    if keys:
        rows = [
            [k["key"], k["state"], k.get("bytes", "-"), k.get("fingerprint", "-")] for k in keys
        ]
        people.table(["KEY", "STATE", "BYTES", "FINGERPRINT"], rows)


def _shown(value: bytes | None, prints: Fingerprints) -> dict[str, Any]:
    if value is None:
        return {}
    return {"bytes": len(value), "fingerprint": prints.of(value)}
