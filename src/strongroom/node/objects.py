"""The Secrets and ConfigMaps that this node's pods refer to: one watch each, shared by the pods.

An object is watched as long as some pod refers to it. A new pod reads the object from the server
once, so it never starts with less than the newest; after that the watch keeps everybody current.

An immutable object is watched too: it cannot change, but it can be deleted and made anew under its
name, and then everybody is to follow the new one. Kubelets end that watch and keep on serving what
is no more (kubernetes/kubernetes #119733, #131589). Two objects of a name are told apart by their
UID; which is the newer, by their revision or, where that says the contrary of the server, by asking
once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from strongroom.api.errors import StatusError
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.errors import ClientFailure
from strongroom.client.informer import Change, Informer
from strongroom.node.granted import is_unresolved
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.resource import Resource
from strongroom.resources.secret import SECRETS, Secret

_log = logging.getLogger("strongroom.node")


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object by kind, namespace and name."""

    kind: Literal["secret", "configmap"]
    namespace: str
    name: str


class ObjectMissing(Exception):
    """The object does not exist. The message is the kubelet's: ``secret "x" not found``."""

    def __init__(self, ref: Ref) -> None:
        super().__init__(f'{ref.kind} "{ref.name}" not found')


class ObjectUnavailable(Exception):
    """Whether the object exists could not be learned; trying again may help."""


_RESOURCES: dict[str, Resource[Any]] = {"secret": SECRETS, "configmap": CONFIG_MAPS}


@dataclass(slots=True)
class _Entry:
    """One watched object and the pods that refer to it, each with its callback."""

    users: dict[str, Callable[[Ref], None]] = field(default_factory=dict)
    informer: Informer[Any] | None = None
    obj: Secret | ConfigMap | None = None


class ObjectCache:
    """Objects counted by use: ``register`` a pod before it reads, ``unregister`` it at its end."""

    def __init__(self, client: Client, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._entries: dict[Ref, _Entry] = {}
        self._by_pod: dict[str, set[Ref]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def register(self, pod_uid: str, refs: Iterable[Ref], on_change: Callable[[Ref], None]) -> None:
        """Watch ``refs`` for this pod; ``on_change`` runs at each change, between two events."""
        wanted = set(refs)
        for ref in self._by_pod.get(pod_uid, set()) - wanted:
            self._release(pod_uid, ref)
        for ref in wanted:
            entry = self._entries.get(ref)
            if entry is None:
                entry = self._entries[ref] = _Entry()
                self._watch(ref, entry)
            entry.users[pod_uid] = on_change
        self._by_pod[pod_uid] = wanted

    def unregister(self, pod_uid: str) -> None:
        """This pod refers to nothing any more. Harmless if it never did."""
        for ref in self._by_pod.pop(pod_uid, set()):
            self._release(pod_uid, ref)

    def watched(self) -> set[Ref]:
        """The objects that have a running watch."""
        return {ref for ref, entry in self._entries.items() if entry.informer is not None}

    def peek(self, ref: Ref) -> Secret | ConfigMap | None:
        """The object as last seen; None when it is missing or unknown."""
        entry = self._entries.get(ref)
        return entry.obj if entry else None

    async def fetch(self, ref: Ref) -> Secret | ConfigMap:
        """The newest state, asked of the server.

        While the server cannot be reached, the last state seen serves. Raises
        :class:`ObjectMissing` and :class:`ObjectUnavailable`.
        """
        entry = self._entries.get(ref)
        if entry is None:
            raise ObjectUnavailable(f'object "{ref.namespace}"/"{ref.name}" not registered')
        known = entry.obj
        try:
            obj = await self._client.get(_RESOURCES[ref.kind], ref.name, ref.namespace)
        except StatusError as error:
            if error.code != 404:
                raise ObjectUnavailable(str(error)) from error
            if entry.obj is not known and entry.obj is not None:
                return entry.obj  # It was made after the server looked for it.
            entry.obj = None
            raise ObjectMissing(ref) from error
        except ClientFailure as error:
            if entry.obj is not None:
                return entry.obj
            raise ObjectUnavailable(
                f"failed to sync {ref.kind} cache: timed out waiting for the condition"
            ) from error
        if is_unresolved(obj):
            entry.obj = None
            raise ObjectMissing(ref)
        # What came by the watch meanwhile may be newer than the answer; what was known before is
        # not, whatever their revisions say: the server may have been restored from a backup.
        if entry.obj is known or entry.obj is None or _revision(obj) >= _revision(entry.obj):
            entry.obj = obj
        return entry.obj

    async def close(self) -> None:
        """End all watches."""
        for entry in self._entries.values():
            self._unwatch(entry)
        self._entries.clear()
        self._by_pod.clear()
        await asyncio.gather(*self._closing)

    def _release(self, pod_uid: str, ref: Ref) -> None:
        entry = self._entries[ref]
        entry.users.pop(pod_uid, None)
        if not entry.users:
            self._unwatch(entry)
            del self._entries[ref]

    def _watch(self, ref: Ref, entry: _Entry) -> None:
        informer: Informer[Any] = Informer(
            self._client,
            _RESOURCES[ref.kind],
            ref.namespace,
            field_selector=f"metadata.name={ref.name}",
            sleep=self._sleep,
        )
        entry.informer = informer
        informer.add_handler(lambda change: self._changed(ref, entry, change))
        informer.start()

    def _unwatch(self, entry: _Entry) -> None:
        if entry.informer is None:
            return
        task = asyncio.get_running_loop().create_task(entry.informer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        entry.informer = None

    def _changed(self, ref: Ref, entry: _Entry, change: Change[Any]) -> None:
        obj, known = change.obj, entry.obj
        other = known is not None and known.metadata.uid != obj.metadata.uid
        if change.type == "deleted" or is_unresolved(obj):
            if other:
                self._ask_again(ref, entry)
                return
            entry.obj = None
        elif known is not None and _revision(known) > _revision(obj):
            if other:
                self._ask_again(ref, entry)
            return
        else:
            entry.obj = obj
        self._tell(ref, entry)

    def _tell(self, ref: Ref, entry: _Entry) -> None:
        for pod_uid, on_change in list(entry.users.items()):
            try:
                on_change(ref)
            except Exception as error:  # noqa: BLE001 - one pod's trouble must not stop the others'
                # The type only: what broke may have been handling a value.
                _log.error("pod %s: %s on a changed object", pod_uid, type(error).__name__)

    def _ask_again(self, ref: Ref, entry: _Entry) -> None:
        """The watch tells of another object of this name than the one that is known."""
        task = asyncio.get_running_loop().create_task(self._settle(ref, entry))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _settle(self, ref: Ref, entry: _Entry) -> None:
        known = entry.obj
        # Until the server answers, what is known serves: it was read from it last.
        with contextlib.suppress(ObjectMissing, ObjectUnavailable):
            await self.fetch(ref)
        if self._entries.get(ref) is entry and entry.obj is not known:
            self._tell(ref, entry)


def _revision(obj: Secret | ConfigMap) -> int:
    """Comparable since Kubernetes 1.35: a resourceVersion is a decimal number."""
    text = obj.metadata.resourceVersion
    return int(text) if text.isdecimal() else 0
