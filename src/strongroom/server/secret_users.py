"""Who uses Secrets, and what their values tell of time: admission's questions, from the caches.

Nothing is kept for it. An object that names a Secret has the name in its bytes, behind a field with
"secret" in its own name; so a look through the bytes of a namespace finds who may, at about a
microsecond an object, and only those are decoded (docs/decisions/0096-expiry-and-use.md).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from strongroom.access.admission.inuseguard import NAMED
from strongroom.access.user import Attributes
from strongroom.api.clock import Clock
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.resources.catalog import CATALOG
from strongroom.resources.references import may_refer
from strongroom.resources.secret_expiry import Facts, facts_of
from strongroom.resources.secret_use import Use, has_ended, references_to_secrets, use_of
from strongroom.resources.strongroom_annotations import DELETION_GUARD, GUARDS

_HOLDING = tuple(r for r in CATALOG.all() if r.namespaced and not r.answered)
"""The kinds of which a namespace can hold objects."""

_TURN = 500
"""Objects that are looked at before others get their turn: about half a millisecond."""
_COSTLY = 20
"""As how many of these one counts that is decoded."""
_SAME = 1.0
"""Seconds for which what was found is good for further deletions of the same request."""

Registries = Callable[[str, str], Registry[Any] | None]


class Sharing(Protocol):
    """Which Secrets other namespaces use, by references that are given something of them."""

    def referring(self, namespace: str, name: str) -> Sequence[tuple[str, str]]:
        """Namespaces and names of the references to a Secret."""
        ...

    def shared(self, namespace: str) -> Sequence[str]:
        """Names of the namespace's Secrets to which there may be such references."""
        ...


def _field(name: str) -> re.Pattern[bytes]:
    """How fields that name this Secret look in our own JSON.

    ``secretName`` holds the name itself, all others an object or flat objects in which ``name``
    comes before anything nested. Names have no characters that JSON would write in another way.
    No field's name is longer than this: without an end to it, a text of nothing but "ecret" would
    be walked once for each of them.
    """
    quoted = re.escape(name).encode()
    return re.compile(
        rb'ecret[A-Za-z]{0,32}":(?:"%b"|\{[^{}]*"name":"%b"|\[[^\[\]]*"name":"%b")'
        % ((quoted,) * 3)
    )


_MARK = b"ecret"
"""Stands in the name of every field that refers to Secrets: ``secretRef``, ``imagePullSecrets``."""


def facts_in(view: AnyView) -> Facts:
    """The times of the Secret of a view, worked out once and kept with it."""
    if view.derived is None:
        view.derived = facts_of(view.peek())
    facts: Facts = view.derived
    return facts


class SecretUsers:
    """Fulfils what ``access.admission.inuseguard`` and ``secretuse`` ask."""

    def __init__(self, registries: Registries, clock: Clock) -> None:
        self._registries = registries
        self.sharing: Sharing | None = None
        """Asked for users in other namespaces, from when it is there."""
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked: tuple[Attributes, str, float] | None = None
        self._used: frozenset[str] = frozenset()

    def facts(self, namespace: str, name: str) -> Facts | None:
        """The times of a Secret, as the cache has it."""
        view = self._view("secrets", namespace, name)
        return None if view is None else facts_in(view)

    async def guard(self, namespace: str) -> str:
        """What the namespace says of its Secrets' deletion; ``off`` while it is going itself."""
        view = self._view("namespaces", "", namespace)
        if view is None or view.obj.metadata.deletionTimestamp:
            return "off"
        told: str = view.obj.metadata.annotations.get(DELETION_GUARD, "")
        return told if told in GUARDS else GUARDS[0]

    async def users(self, namespace: str, name: str) -> Sequence[Use]:
        """Who uses a Secret now, as many as are told of and one more at most.

        Of those that use it by a reference in another namespace, one of each.
        """
        found = await self._users(namespace, name)
        named: dict[str, frozenset[str]] = {}
        for elsewhere, reference in self._references(namespace, name):
            if len(found) > NAMED:
                break
            # Who is given a Secret may make any number of references to it, and others must not
            # wait until a whole namespace has been looked through for each.
            if elsewhere not in named:
                named[elsewhere] = await self._named(elsewhere)
            if reference in named[elsewhere]:
                for use in (await self._users(elsewhere, reference))[:1]:
                    found.append(replace(use, namespace=elsewhere))
        return found[: NAMED + 1]

    def _references(self, namespace: str, name: str) -> Sequence[tuple[str, str]]:
        return () if self.sharing is None else self.sharing.referring(namespace, name)

    async def _users(self, namespace: str, name: str) -> list[Use]:
        found: list[Use] = []
        async for kind, view in self._naming(namespace, f'"{name}"'.encode(), _field(name)):
            use = use_of(kind, view.peek(), name)
            if use is not None:
                found.append(use)
                if len(found) > NAMED:
                    break
        return found

    async def is_used(self, namespace: str, name: str, asker: Attributes) -> bool:
        """Whether a Secret is used; what is found is kept for the next question of the asker."""
        async with self._lock:
            now = self._clock.monotonic()
            known = self._asked
            if known is None or known[:2] != (asker, namespace) or now - known[2] > _SAME:
                self._used = await self._all_used(namespace)
                self._asked = asker, namespace, self._clock.monotonic()
            return name in self._used

    async def _all_used(self, namespace: str) -> frozenset[str]:
        used = set(await self._named(namespace))
        named: dict[str, frozenset[str]] = {}
        for name in () if self.sharing is None else self.sharing.shared(namespace):
            for elsewhere, reference in self._references(namespace, name):
                if elsewhere not in named:
                    named[elsewhere] = await self._named(elsewhere)
                if reference in named[elsewhere]:
                    used.add(name)
                    break
        return frozenset(used)

    async def _named(self, namespace: str) -> frozenset[str]:
        """The Secrets that something in a namespace uses, by the names that they have there."""
        used: set[str] = set()
        async for kind, view in self._naming(namespace, _MARK):
            obj = view.peek()
            if not has_ended(kind, obj):
                used.update(reference.name for reference in references_to_secrets(obj))
        return frozenset(used)

    async def _naming(
        self, namespace: str, text: bytes, field: re.Pattern[bytes] | None = None
    ) -> AsyncIterator[tuple[str, AnyView]]:
        """The objects that may refer and have this text in them, and this field if any is given."""
        done = 0
        for resource in _HOLDING:
            registry = self._registries(resource.group, resource.plural)
            if registry is None:
                continue
            entries = registry.cache.list(resource.prefix(namespace)).items
            # Schemas are walked for kinds that have objects here: for all they take 150 ms.
            for entry in entries if entries and may_refer(resource.type) else ():
                done += 1
                if entry.error is None and text in entry.item.tail:
                    done += _COSTLY
                    if field is None or field.search(entry.item.tail):
                        yield resource.kind, entry.item
                if done >= _TURN:
                    done = 0
                    await asyncio.sleep(0)

    def _view(self, plural: str, namespace: str, name: str) -> AnyView | None:
        registry = self._registries("", plural)
        entry = registry and registry.cache.get(registry.resource.key(namespace, name))
        return entry.item if entry and entry.error is None else None
