"""LimitRanges on the way of a pod into the store."""

from __future__ import annotations

from typing import Any

from tests.server.admission.conftest import MODULE, World

pytestmark = MODULE


async def limited(world: World, name: str, **item: dict[str, str]) -> str:
    """A namespace with a LimitRange for containers."""
    await world.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    limits = {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container"} | item]}}
    path = f"/api/v1/namespaces/{name}"
    assert (await world.ask("POST", f"{path}/limitranges", limits)).code == 201
    return path


def pod(name: str, **resources: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "resources": resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


async def test_defaults_count_for_the_class_of_the_pod(world: World) -> None:
    ns = await limited(world, "limit-defaults", default={"cpu": "1", "memory": "1Gi"})
    made = (await world.ask("POST", f"{ns}/pods", pod("p"))).json
    (container,) = made["spec"]["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "1", "memory": "1Gi"},
    }
    assert made["status"]["qosClass"] == "Guaranteed"
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c; "
        "cpu, memory limit for container c"
    )


async def test_what_is_out_of_bounds_is_refused(world: World) -> None:
    ns = await limited(world, "limit-bounds", max={"cpu": "1"}, min={"cpu": "100m"})
    refused = await world.ask("POST", f"{ns}/pods", pod("p", limits={"cpu": "2"}))
    assert (refused.code, refused.json["message"]) == (
        403,
        'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    )
    low = pod("p", requests={"cpu": "1m"})
    refused = await world.ask("POST", f"{ns}/pods", low)
    assert refused.json["message"] == (
        'pods "p" is forbidden: minimum cpu usage per Container is 100m, but request is 1m'
    )
    assert (await world.ask("POST", f"{ns}/pods", pod("p"))).code == 201
