"""Objects of any kind, known or not, by their metadata alone.

Who only has to know that an object is there, and whose it is, must not be sent what is in it: each
request here asks for PartialObjectMetadata, so that the values of Secrets stay in the server. Of
the metadata, only what follows identity, ownership and deletion is kept: a few hundred bytes an
object.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from strongroom.api import codec
from strongroom.api.meta import DeleteOptions
from strongroom.client.client import Client, ObjectList, Patch, WatchEvent, lines
from strongroom.client.errors import Unreachable
from strongroom.client.informer import Followed
from strongroom.client.statuses import error_in_watch

ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MANY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_WATCH_SECONDS = 300


class Owner(msgspec.Struct, frozen=True, gc=False):
    """An owner reference."""

    apiVersion: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    blockOwnerDeletion: bool | None = None


class Metadata(msgspec.Struct, gc=False):
    """What is kept of an object's metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    deletionTimestamp: str | None = None
    finalizers: tuple[str, ...] | None = ()
    ownerReferences: tuple[Owner, ...] | None = ()


class Partial(msgspec.Struct, gc=False):
    """What is kept of an object."""

    metadata: Metadata


class _ListMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    remainingItemCount: int | None = None


K = TypeVar("K")
T = TypeVar("T", bound=Followed)


class _Page(msgspec.Struct, Generic[K]):
    metadata: _ListMeta
    items: list[K] | None = None


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINES = msgspec.json.Decoder(_Line)
_PARTIALS = msgspec.json.Decoder(Partial)


@dataclass(frozen=True, slots=True)
class MetadataSource(Generic[K, T]):
    """The metadata of a collection at a path such as ``/api/v1/secrets``, to be followed.

    Of each object, the fields of ``read`` are decoded, and what ``keep`` makes of them is kept.
    """

    client: Client
    path: str
    read: type[K]
    keep: Callable[[K], T]

    @property
    def name(self) -> str:
        return self.path

    @property
    def _decoder(self) -> msgspec.json.Decoder[K]:
        struct: Any = self.read
        return _decoder(struct)

    async def list(self, limit: int, continue_token: str) -> ObjectList[T]:
        """A page; raises StatusError."""
        params = {"limit": str(limit)} if limit else {}
        if continue_token:
            params["continue"] = continue_token
        answer = await self.client.request("GET", self.path, params=params, accept=MANY)
        page: _Page[K] = _read(_decoder(_Page[self.read]), answer.body)  # type: ignore[name-defined]  # a type at run time
        meta = page.metadata
        items = [self.keep(item) for item in page.items or ()]
        return ObjectList(items, meta.resourceVersion, meta.continue_, meta.remainingItemCount)

    async def watch(self, revision: str) -> AsyncGenerator[WatchEvent[T], None]:
        """Every change after a revision; raises StatusError."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": revision,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        stream = self.client.transport.stream(
            self.path, params=params, accept=ONE, idle_timeout=_WATCH_SECONDS + 30.0
        )
        async with stream as chunks:
            async for line in lines(chunks):
                yield self._event(line)

    def _event(self, line: bytes) -> WatchEvent[T]:
        event = _read(_LINES, line)
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED" as kind:
                obj = self.keep(_read(self._decoder, event.object))
                return WatchEvent(kind, obj.metadata.resourceVersion, obj)
            case "BOOKMARK":
                mark = _read(_PARTIALS, event.object).metadata
                return WatchEvent("BOOKMARK", mark.resourceVersion)
            case _:
                raise error_in_watch(bytes(event.object))


class MetadataCollection(MetadataSource[Partial, Partial]):
    """What is kept of any object, for those who follow all kinds."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client, path, Partial, _lean)


async def get_metadata(client: Client, path: str) -> Metadata:
    """The metadata of the object at a path. Raises StatusError."""
    answer = await client.request("GET", path, accept=ONE)
    return _lean(_read(_PARTIALS, answer.body)).metadata


async def count(client: Client, path: str) -> int:
    """How many objects a collection has now. Raises StatusError."""
    page = await MetadataCollection(client, path).list(1, "")
    return len(page.items) + (page.remaining or 0)


async def delete_at(client: Client, path: str, options: DeleteOptions) -> None:
    """Delete an object, or a collection. Raises StatusError."""
    options.kind, options.apiVersion = "DeleteOptions", "v1"
    await client.request(
        "DELETE", path, body=codec.encode(options), accept=f"{ONE},{MANY},application/json"
    )


async def patch_at(client: Client, path: str, body: Any, kind: Patch) -> None:
    """Patch an object, of which nothing but metadata comes back. Raises StatusError."""
    await client.request(
        "PATCH", path, body=msgspec.json.encode(body), content_type=kind.value, accept=ONE
    )


@cache
def _decoder(struct: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(struct)


def _read(decoder: msgspec.json.Decoder[K], body: bytes | msgspec.Raw) -> K:
    """What the server sent; Unreachable when that is something else, which is not quoted."""
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError:
        raise Unreachable("the server sent something else than metadata") from None


def _lean(obj: Partial) -> Partial:
    """The same object with its namespace's name shared with all objects of the namespace."""
    obj.metadata.namespace = sys.intern(obj.metadata.namespace)
    return obj
