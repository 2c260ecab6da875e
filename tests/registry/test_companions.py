"""What is written beside an object: asked for with every write that is done, and with no other."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.meta import DeleteOptions, Object
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.resources.secret import SECRETS
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Beside
from tests.registry.conftest import Open, context, refused, secret


class Scribe:
    """Writes down, at each write, what was there and what comes, by the values of one key."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes | None, bytes | None]] = []

    def beside(
        self,
        ctx: RequestContext,
        view: AnyView | None,
        new: Object | None,
        old: Object | None = None,
    ) -> Beside:
        before = None if view is None else view.peek()
        assert old is None or old == before
        revision = view.revision if view is not None else 0
        self.asked.append((revision, _value(before), _value(new)))
        return [(f"/beside/{len(self.asked)}", b"%d" % revision)]


def _value(obj: Any) -> bytes | None:
    return None if obj is None else bytes(obj.data["key"])


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


@pytest.fixture
async def watched(open_registry: Open, scribe: Scribe) -> Registry[Any]:
    return await open_registry(SECRETS, companions=scribe)


async def beside(store: MemoryStore) -> list[bytes]:
    return [kv.value for kv in (await store.list("/beside/")).items]


async def change(registry: Registry[Any], value: bytes, ctx: RequestContext, **meta: Any) -> int:
    obj = (await registry.get(ctx, "prod", "a")).decode()
    obj.data["key"] = value
    for attribute, said in meta.items():
        setattr(obj.metadata, attribute, said)
    return (await registry.update(ctx, "prod", "a", obj)).revision


async def test_every_write_is_told_with_what_it_replaces(
    watched: Registry[Any], scribe: Scribe, store: MemoryStore, ctx: RequestContext
) -> None:
    made = await watched.create(ctx, "prod", secret("a"))
    changed = await change(watched, b"two", ctx)
    await watched.delete(ctx, "prod", "a", DeleteOptions())
    assert scribe.asked == [
        (0, None, b"value"),
        (made.revision, b"value", b"two"),
        (changed, b"two", None),
    ]
    assert await beside(store) == [b"0", b"%d" % made.revision, b"%d" % changed]


async def test_the_removal_of_the_last_finalizer_is_a_deletion(
    watched: Registry[Any], scribe: Scribe, store: MemoryStore, ctx: RequestContext
) -> None:
    await watched.create(ctx, "prod", secret("a", finalizers=["example.com/wait"]))
    await watched.delete(ctx, "prod", "a", DeleteOptions())
    assert len(scribe.asked) == 1
    await change(watched, b"value", ctx, finalizers=[])
    assert scribe.asked[1][1:] == (b"value", None)
    assert len(await beside(store)) == 2


async def test_what_is_not_done_is_not_told(
    watched: Registry[Any], scribe: Scribe, store: MemoryStore, ctx: RequestContext
) -> None:
    await watched.create(context(dry_run=True), "prod", secret("a"))
    assert scribe.asked == []
    await watched.create(ctx, "prod", secret("a"))
    trying = context(dry_run=True)
    await change(watched, b"two", trying)
    await watched.delete(trying, "prod", "a", DeleteOptions())
    await change(watched, b"value", ctx)
    assert len(scribe.asked) == 1
    assert (await refused(change(watched, b"two", ctx, resourceVersion="1")))[0] == 409
    assert (await refused(watched.create(ctx, "prod", secret("a"))))[0] == 409
    assert await beside(store) == [b"0"]


async def test_a_write_that_was_overtaken_is_told_anew(
    watched: Registry[Any], scribe: Scribe, store: MemoryStore, ctx: RequestContext
) -> None:
    made = await watched.create(ctx, "prod", secret("a"))
    await watched.catch_up()
    obj = made.decode()
    obj.metadata.resourceVersion = ""
    other = made.decode()
    other.data["key"] = b"other"
    key = SECRETS.key("prod", "a")
    # The cache does not know of this write yet.
    between = await store.update(key, watched.form.encode(other), expected=made.revision)
    obj.data["key"] = b"two"
    await watched.update(ctx, "prod", "a", obj)
    assert scribe.asked[-1] == (between, b"other", b"two")
    assert (await beside(store))[-1] == b"%d" % between
