"""``deployments/scale``: a subresource that shows, and takes, another kind."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.meta import ObjectMeta
from strongroom.api.patch import PatchType
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.resources.deployment import DEPLOYMENTS
from strongroom.resources.deployment_object import Deployment
from strongroom.resources.scale import Scale, ScaleSpec
from tests.registry.conftest import Open, context, refused
from tests.resources.making import made
from tests.resources.templates import workload

_CONFIG = b"apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {name: web}\nspec: {replicas: %d}\n"


class Seen:
    """Notes the kinds that admission is shown, with the wanted replicas before and after."""

    name = "Seen"

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, int, int]] = []

    async def mutate(self, request: Any) -> None:
        self._note("mutate", request)

    async def validate(self, request: Any) -> None:
        self._note("validate", request)

    def _note(self, what: str, request: Any) -> None:
        if request.old is not None:
            old, new = request.old.spec.replicas, request.obj.spec.replicas
            self.shown.append((what, request.obj.kind, old, new))


def deployment() -> Deployment:
    return made(workload(replicas=2), Deployment)


def scale(replicas: int, **meta: Any) -> Scale:
    return Scale(metadata=ObjectMeta(name="web", **meta), spec=ScaleSpec(replicas=replicas))


def owners(registry_view: Any) -> dict[tuple[str, str, str], Any]:
    return {
        (e.manager, e.operation, e.subresource): e.fieldsV1
        for e in registry_view.obj.metadata.managedFields
    }


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def apps(open_registry: Open, ctx: RequestContext, seen: Seen) -> Registry[Deployment]:
    registry: Registry[Deployment] = await open_registry(DEPLOYMENTS, seen)
    await registry.create(ctx, "shop", deployment())
    return registry


async def test_it_is_read(apps: Registry[Deployment], ctx: RequestContext) -> None:
    whole = await apps.get(ctx, "shop", "web")
    shown = (await apps.get(ctx, "shop", "web", subresource="scale")).obj
    assert (shown.kind, shown.apiVersion) == ("Scale", "autoscaling/v1")
    assert (shown.spec.replicas, shown.status.selector) == (2, "app=web")
    assert shown.metadata.managedFields is None
    assert shown.metadata.uid == whole.obj.metadata.uid
    assert shown.metadata.resourceVersion == whole.obj.metadata.resourceVersion


async def test_it_is_replaced(apps: Registry[Deployment], ctx: RequestContext, seen: Seen) -> None:
    answer = await apps.update(ctx, "shop", "web", scale(5), subresource="scale")
    assert (answer.obj.kind, answer.obj.spec.replicas) == ("Scale", 5)
    obj = (await apps.get(ctx, "shop", "web")).obj
    assert (obj.spec.replicas, obj.metadata.generation) == (5, 2)
    assert seen.shown == [("mutate", "Scale", 2, 5), ("validate", "Scale", 2, 5)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PatchType.MERGE, b'{"spec":{"replicas":7}}'),
        (PatchType.STRATEGIC, b'{"spec":{"replicas":7}}'),
        (PatchType.JSON, b'[{"op":"replace","path":"/spec/replicas","value":7}]'),
    ],
)
async def test_it_is_patched(
    apps: Registry[Deployment], ctx: RequestContext, kind: PatchType, body: bytes
) -> None:
    await apps.patch(ctx, "shop", "web", kind, body, subresource="scale")
    assert (await apps.get(ctx, "shop", "web")).obj.spec.replicas == 7


async def test_what_is_refused(apps: Registry[Deployment], ctx: RequestContext) -> None:
    assert await refused(apps.update(ctx, "shop", "web", scale(-1), subresource="scale")) == (
        422,
        "Invalid",
        (
            'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be '
            "greater than or equal to 0"
        ),
    )
    old = scale(3, resourceVersion="1")
    assert (await refused(apps.update(ctx, "shop", "web", old, subresource="scale")))[0] == 409
    other = scale(3, uid="other")
    assert (await refused(apps.update(ctx, "shop", "web", other, subresource="scale")))[0] == 409
    missing = 'deployments/scale.apps "gone" not found'
    assert (await refused(apps.get(ctx, "shop", "gone", subresource="scale")))[2] == missing
    patch = apps.patch(ctx, "shop", "gone", PatchType.MERGE, b"{}", subresource="scale")
    assert (await refused(patch))[2] == missing


async def test_who_scales_owns_the_replicas(apps: Registry[Deployment]) -> None:
    replicas: Any = {"f:spec": {"f:replicas": {}}}
    await apps.update(context(field_manager="hpa"), "shop", "web", scale(5), subresource="scale")
    assert owners(await apps.get(context(), "shop", "web"))["hpa", "Update", "scale"] == replicas
    applier = context(field_manager="me")
    told = await refused(
        apps.apply_configuration(applier, "shop", "web", _CONFIG % 6, subresource="scale")
    )
    assert told[2] == (
        'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using '
        "autoscaling/v1: .spec.replicas"
    )
    await apps.apply_configuration(
        applier, "shop", "web", _CONFIG % 6, subresource="scale", force=True
    )
    view = await apps.get(context(), "shop", "web")
    assert view.obj.spec.replicas == 6
    assert owners(view)["me", "Apply", "scale"] == replicas
    assert ("hpa", "Update", "scale") not in owners(view)
    assert {e.apiVersion for e in view.obj.metadata.managedFields} == {"apps/v1"}
