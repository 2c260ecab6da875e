"""The API client: typed verbs over a :class:`strongroom.client.transport.Transport`.

Objects are the Structs of :mod:`strongroom.resources`; every method takes the Resource that says
which kind is meant. Errors: StatusError as the server sent it, ``Unreachable`` for no answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

import msgspec

from strongroom.api import codec
from strongroom.api.clock import Clock
from strongroom.api.meta import DeleteOptions, ListMeta, Object, Preconditions
from strongroom.client.config import ClientConfig
from strongroom.client.paths import path_of
from strongroom.client.statuses import error_in_watch
from strongroom.client.transport import Params, Response, Transport
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)
A = TypeVar("A")
"""Whatever is made of an object as the server shows it."""


class Patch(Enum):
    """How the body of a patch is meant; the value is its content type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class ObjectList(Generic[A]):
    """One page of a list: the objects, the revision they are of, and how to go on."""

    items: list[A] = field(repr=False)
    revision: str
    continue_token: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[A]):
    """One event of a watch. ``obj`` is None for a BOOKMARK, which only moves the revision.

    ``initial_end`` marks the bookmark that ends the initial events of a streaming list.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    revision: str
    obj: A | None = field(default=None, repr=False)
    initial_end: bool = False


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Bookmark(Object):
    """Any object, of which only the metadata matters."""


class Client:
    """Typed access to one API server. Use it as an async context manager, or ``close()`` it."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str = "strongroom",
        timeout: float = 30.0,
        clock: Clock | None = None,
        field_manager: str = "",
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self.transport = Transport(
            config, user_agent=user_agent, timeout=timeout, clock=clock, heard=heard
        )
        self._field_manager = field_manager

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; open watches end."""
        await self.transport.close()

    async def renew(self, config: ClientConfig) -> None:
        """Show other credentials to the same server from now on; open watches end."""
        await self.transport.renew(config)
        self.config = config

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Response:
        """A request of any kind, for paths that no Resource describes."""
        return await self.transport.request(
            method, path, params=params, body=body, content_type=content_type, accept=accept
        )

    async def get(
        self, resource: Resource[T], name: str, namespace: str = "", *, resource_version: str = ""
    ) -> T:
        """The object of this name; with ``resource_version="0"`` it may be a little old."""
        params = {"resourceVersion": resource_version} if resource_version else None
        path = path_of(resource, namespace, name)
        return self._object(resource, await self.transport.request("GET", path, params=params))

    async def list(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str = "",
        resource_version_match: str = "",
    ) -> ObjectList[T]:
        """A page of the collection (all of it without ``limit``), of one namespace or of all."""
        params = _given(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit) if limit else "",
            resourceVersion=resource_version,
            resourceVersionMatch=resource_version_match,
        )
        if continue_token:
            params["continue"] = continue_token
        path = path_of(resource, namespace)
        response = await self.transport.request("GET", path, params=params)
        page = msgspec.json.decode(response.body, type=_Page)
        meta = codec.decode(bytes(page.metadata), ListMeta, kind="ListMeta").obj
        return ObjectList(
            items=[_decode(resource, bytes(item)) for item in page.items or ()],
            revision=meta.resourceVersion,
            continue_token=meta.continue_,
            remaining=meta.remainingItemCount,
        )

    async def create(
        self, resource: Resource[T], obj: T, namespace: str = "", *, dry_run: bool = False
    ) -> T:
        """Store a new object, in ``namespace`` or the one its metadata names."""
        path = path_of(resource, namespace or obj.metadata.namespace)
        return await self._write("POST", resource, path, _encode(resource, obj), dry_run=dry_run)

    async def update(
        self, resource: Resource[T], obj: T, *, subresource: str = "", dry_run: bool = False
    ) -> T:
        """Replace the object; a resourceVersion in it makes a lost race a 409."""
        meta = obj.metadata
        path = path_of(resource, meta.namespace, meta.name, subresource)
        return await self._write("PUT", resource, path, _encode(resource, obj), dry_run=dry_run)

    async def patch(
        self,
        resource: Resource[T],
        name: str,
        namespace: str,
        body: Any,
        *,
        kind: Patch = Patch.MERGE,
        subresource: str = "",
        dry_run: bool = False,
    ) -> T:
        """Change parts of the object; ``body`` is the patch as plain JSON values."""
        path = path_of(resource, namespace, name, subresource)
        return await self._write(
            "PATCH", resource, path, msgspec.json.encode(body), kind.value, dry_run=dry_run
        )

    async def delete(
        self,
        resource: Resource[T],
        name: str,
        namespace: str = "",
        *,
        grace_seconds: int | None = None,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "",
        dry_run: bool = False,
    ) -> None:
        """Delete by name; ``uid`` and ``resource_version`` are preconditions (409 when unmet)."""
        options = DeleteOptions(
            kind="DeleteOptions",
            apiVersion="v1",
            gracePeriodSeconds=grace_seconds,
            propagationPolicy=propagation or None,
            dryRun=["All"] if dry_run else [],
        )
        if uid or resource_version:
            options.preconditions = Preconditions(
                uid=uid or None, resourceVersion=resource_version or None
            )
        path = path_of(resource, namespace, name)
        await self.transport.request("DELETE", path, body=codec.encode(options))

    async def delete_collection(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> None:
        """Delete everything that the selectors match."""
        params = _given(labelSelector=label_selector, fieldSelector=field_selector)
        await self.transport.request("DELETE", path_of(resource, namespace), params=params)

    async def watch(
        self,
        resource: Resource[T],
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int = 300,
    ) -> AsyncGenerator[WatchEvent[T], None]:
        """Every change after ``resource_version``, in order, until the server ends the watch.

        The server ends it after about ``timeout_seconds``; watch again from the revision of the
        last event. Raises StatusError 410 when that revision is no longer kept: list again.
        Close the iterator (``aclosing``) to end it early.
        """
        params = _given(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            timeoutSeconds=str(timeout_seconds),
        )
        path = path_of(resource, namespace)
        idle = timeout_seconds + 30.0
        async with self.transport.stream(path, params=params, idle_timeout=idle) as chunks:
            async for line in lines(chunks):
                yield _event(resource, line)

    async def _write(
        self,
        method: str,
        resource: Resource[T],
        path: str,
        body: bytes,
        content_type: str = "application/json",
        *,
        dry_run: bool,
    ) -> T:
        params = _given(fieldManager=self._field_manager, dryRun="All" if dry_run else "")
        response = await self.transport.request(
            method, path, params=params, body=body, content_type=content_type
        )
        return self._object(resource, response)

    @staticmethod
    def _object(resource: Resource[T], response: Response) -> T:
        return _decode(resource, response.body)


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, however it was cut into chunks; a torn last line is dropped.

    Lines have no upper length: an event holds a whole object.
    """
    pending: list[bytes] = []
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            pending.append(line)
            joined = b"".join(pending)
            pending = []
            if joined.strip():
                yield joined
        if rest:
            pending.append(rest)


def _given(**params: str) -> dict[str, str]:
    return {name: value for name, value in params.items() if value}


def _encode(resource: Resource[T], obj: T) -> bytes:
    obj.kind, obj.apiVersion = resource.kind, resource.api_version
    return codec.encode(obj)


def _decode(resource: Resource[T], body: bytes) -> T:
    obj = codec.decode(body, resource.type, kind=resource.kind).obj
    # Items of a list come without: their list says it once for all.
    obj.kind, obj.apiVersion = resource.kind, resource.api_version
    return obj


def _event(resource: Resource[T], line: bytes) -> WatchEvent[T]:
    event = msgspec.json.decode(line, type=_Line)
    body = bytes(event.object)
    match event.type:
        case "ADDED" | "MODIFIED" | "DELETED" as kind:
            obj = _decode(resource, body)
            return WatchEvent(kind, obj.metadata.resourceVersion, obj)
        case "BOOKMARK":
            meta = codec.decode(body, _Bookmark, kind=resource.kind).obj.metadata
            ended = meta.annotations.get("k8s.io/initial-events-end") == "true"
            return WatchEvent("BOOKMARK", meta.resourceVersion, initial_end=ended)
        case _:
            raise error_in_watch(body)
