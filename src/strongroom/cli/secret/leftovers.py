"""Values of Secrets in the metadata of these Secrets: found, and masked where that is safe.

The annotation of `kubectl apply` is judged from metadata alone, which is all that is asked for.
Only a deep search reads the values, to look for them.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from strongroom.api.apply.last_applied import ANNOTATION
from strongroom.api.errors import StatusError
from strongroom.client.client import Client, Patch
from strongroom.client.metadata import MANY, ONE, patch_at
from strongroom.client.paths import path_of
from strongroom.resources.last_applied import masked
from strongroom.resources.secret import SECRETS

_PAGE = 500
_DEEP_PAGE = 25
"""Secrets a page that are read whole: each may be a megabyte."""
_SHORTEST = 6
"""Bytes from which on a value is looked for: shorter ones are found everywhere."""
_ATTEMPTS = 10


class Meta(msgspec.Struct):
    """What is read of the metadata of a Secret."""

    name: str
    namespace: str
    resourceVersion: str
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class _Item(msgspec.Struct):
    metadata: Meta
    data: dict[str, bytes] | None = None


class _ListMeta(msgspec.Struct):
    continue_: str | None = msgspec.field(default=None, name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[_Item] | None = None


@dataclass(slots=True)
class Leftover:
    """A place that holds values. ``result`` says what became of it."""

    namespace: str
    name: str
    field: str
    result: str

    @property
    def maskable(self) -> bool:
        """Whether it is the annotation of `kubectl apply`, which needs no values."""
        return self.field == _KUBECTLS


_KUBECTLS = f"annotations[{ANNOTATION}]"


class Survey:
    """A look at the Secrets of a namespace or of all. Methods raise StatusError."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.looked_at = 0

    async def find(self, namespace: str, *, deep: bool) -> list[Leftover]:
        """Where values are; only where kubectl leaves them, unless it is a deep search."""
        found = []
        async for item in self._items(namespace, deep):
            self.looked_at += 1
            meta = item.metadata
            if _has_values(meta):
                found.append(Leftover(meta.namespace, meta.name, _KUBECTLS, "found"))
            fields = _holding(meta, item.data or {})
            found += [Leftover(meta.namespace, meta.name, field, "left") for field in fields]
        return found

    async def mask(self, found: list[Leftover]) -> None:
        """Mask what can be; each is looked at again, and others' changes meanwhile stay."""
        for one in found:
            if one.maskable:
                await self._mask(one)

    async def _items(self, namespace: str, deep: bool) -> AsyncIterator[_Item]:
        params = {"limit": str(_DEEP_PAGE if deep else _PAGE)}
        accept = "application/json" if deep else MANY
        while True:
            path = path_of(SECRETS, namespace)
            answer = await self._client.request("GET", path, params=params, accept=accept)
            page = msgspec.json.decode(answer.body, type=_Page)
            for item in page.items or ():
                yield item
            if not page.metadata.continue_:
                return
            params["continue"] = page.metadata.continue_

    async def _mask(self, one: Leftover) -> None:
        path = path_of(SECRETS, one.namespace, one.name)
        for _ in range(_ATTEMPTS):
            try:
                answer = await self._client.request("GET", path, accept=ONE)
                meta = msgspec.json.decode(answer.body, type=_Item).metadata
                if _has_values(meta):
                    await patch_at(self._client, path, _masking(meta), Patch.MERGE)
                one.result = "masked"
                return
            except StatusError as error:
                if error.reason not in ("Conflict", "NotFound"):
                    raise
                if error.reason == "NotFound":
                    one.result = "gone"
                    return
        one.result = "changed by others all the time"


def _has_values(meta: Meta) -> bool:
    text = (meta.annotations or {}).get(ANNOTATION)
    return bool(text) and masked(text or "") != text


def _masking(meta: Meta) -> dict[str, Any]:
    text = masked((meta.annotations or {})[ANNOTATION])
    return {
        "metadata": {"resourceVersion": meta.resourceVersion, "annotations": {ANNOTATION: text}}
    }


def _holding(meta: Meta, data: dict[str, bytes]) -> Iterator[str]:
    """The annotations and labels, but kubectl's, that hold a value as text or as base64."""
    texts = [form for value in data.values() for form in _forms(value)]
    for part, entries in (("annotations", meta.annotations), ("labels", meta.labels)):
        for key, text in (entries or {}).items():
            held = f"{part}[{key}]"
            if held != _KUBECTLS and any(form in text for form in texts):
                yield held


def _forms(value: bytes) -> Iterator[str]:
    """How a value may stand in a text: encoded, as it is, or with the escapes of JSON."""
    if len(value.strip()) < _SHORTEST:
        return
    yield base64.b64encode(value).decode()
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        return
    yield text
    yield msgspec.json.encode(text).decode()[1:-1]
