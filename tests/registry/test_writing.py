"""The compare-and-swap loop when the cache is behind, or somebody else is faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from strongroom.api.meta import DeleteOptions
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, config_map, context, refused, secret
from tests.registry.test_updating import kind

KEY = "/registry/configmaps/prod/a"


class Meanwhile:
    """Admission during which something else happens, once."""

    name = "meanwhile"

    def __init__(self, operation: str, act: Callable[[], Awaitable[Any]]) -> None:
        self._operation = operation
        self._act = act
        self._done = False

    async def mutate(self, request: Any) -> None:
        """Nothing to change."""

    async def validate(self, request: Any) -> None:
        if request.operation == self._operation and not self._done:
            self._done = True
            await self._act()


async def test_a_judgement_on_what_the_cache_has_is_not_final(
    config_maps: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    """The client has seen a newer version than the cache: that is no conflict."""
    await config_maps.create(ctx, "prod", config_map("a"))
    await config_maps.get(ctx, "prod", "a")
    kv = await store.get(KEY)
    assert kv is not None
    changed = kv.value.replace(b'"name":"a"', b'"name":"a","labels":{"x":"y"}')
    await store.update(KEY, changed, expected=kv.mod_revision)
    obj = config_map("a", resourceVersion="3", labels={"x": "z"})
    view = await config_maps.update(ctx, "prod", "a", obj)
    assert (view.revision, view.labels) == (4, {"x": "z"})


async def test_a_judgement_on_what_the_store_has_is_final(
    config_maps: Registry[Any], ctx: RequestContext
) -> None:
    await config_maps.create(ctx, "prod", config_map("a"))
    obj = config_map("a", resourceVersion="77")
    code, _, _ = await refused(config_maps.update(ctx, "prod", "a", obj))
    assert code == 409


async def test_an_object_that_the_cache_still_has_is_gone(
    config_maps: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    await config_maps.create(ctx, "prod", config_map("a"))
    await config_maps.get(ctx, "prod", "a")
    await store.delete(KEY, expected=2)
    code, _, _ = await refused(config_maps.update(ctx, "prod", "a", config_map("a", {"x": "y"})))
    assert code == 404


async def test_an_update_that_makes_the_object_meets_one_made_meanwhile(
    open_registry: Open, store: MemoryStore
) -> None:
    plain = await open_registry(kind())
    other = context()
    overtaken = Meanwhile(
        "CREATE", lambda: plain.create(other, "prod", config_map("a", {"by": "another"}))
    )
    registry = await open_registry(kind(create_on_update=True), overtaken)
    ctx = context()
    view = await registry.update(ctx, "prod", "a", config_map("a", {"by": "me"}))
    assert not ctx.created
    assert view.obj.data == {"by": "me"}
    assert view.revision == store.current_revision == 3


async def test_two_take_off_the_last_finalizer(
    open_registry: Open, ctx: RequestContext, store: MemoryStore
) -> None:
    """Whoever comes second is told of success: the object is gone, as it wanted."""
    overtaken = Meanwhile("UPDATE", lambda: store.delete(KEY, expected=3))
    registry = await open_registry(kind(), overtaken)
    await registry.create(ctx, "prod", config_map("a", finalizers=["example.com/keep"]))
    marked, _ = await registry.delete(ctx, "prod", "a", DeleteOptions())
    obj = marked.decode()
    obj.metadata.finalizers = []
    view = await registry.update(ctx, "prod", "a", obj)
    assert view.obj.metadata.finalizers == []
    assert await store.get(KEY) is None


async def test_a_finalizer_comes_back_while_the_last_is_taken_off(
    open_registry: Open, ctx: RequestContext, store: MemoryStore
) -> None:
    async def touch() -> None:
        kv = await store.get(KEY)
        assert kv is not None
        await store.update(KEY, kv.value + b" ", expected=kv.mod_revision)

    registry = await open_registry(kind(), Meanwhile("UPDATE", touch))
    await registry.create(ctx, "prod", config_map("a", finalizers=["example.com/keep"]))
    marked, _ = await registry.delete(ctx, "prod", "a", DeleteOptions())
    obj = marked.decode()
    obj.metadata.finalizers = []
    code, _, _ = await refused(registry.update(ctx, "prod", "a", obj))
    assert code == 409
    assert await store.get(KEY) is not None


async def test_a_warning_is_told_once_however_often_a_write_is_tried(
    secrets: Registry[Any], store: MemoryStore
) -> None:
    warnings: list[str] = []
    ctx = context(warn=warnings.append)
    ctx.tell("one")
    ctx.tell("one")
    ctx.tell("two")
    assert warnings == ["one", "two"]


async def test_a_value_that_cannot_be_read_is_not_replaced(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    await store.create("/registry/secrets/prod/a", b"canary")
    for answer in (
        secrets.update(ctx, "prod", "a", secret("a")),
        secrets.delete(ctx, "prod", "a", DeleteOptions()),
    ):
        code, reason, message = await refused(answer)
        assert (code, reason) == (500, "InternalError")
        assert "canary" not in message
    code, reason, _ = await refused(secrets.create(ctx, "prod", secret("a")))
    assert (code, reason) == (409, "AlreadyExists")
