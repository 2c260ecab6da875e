"""The watches of everything: shared, and as many as there are kinds."""

from __future__ import annotations

import pytest

from strongroom.client.discovery import Kind
from strongroom.client.informer import Change
from strongroom.client.metadata import Partial
from strongroom.controllers.monitors import Monitors
from tests.controllers.conftest import World
from tests.controllers.objects import CONFIG_MAPS, SECRETS, Objects, Tree
from tests.waiting import until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TAPS = "/apis/example.com/v1/namespaces/default/taps"


class Heard:
    """What a handler was told, as ``type plural/name``."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def __call__(self, kind: Kind, change: Change[Partial]) -> None:
        if change.obj.metadata.namespace == "default":
            self.changes.append(f"{change.type} {kind.plural}/{change.obj.metadata.name}")

    async def until(self, change: str) -> None:
        async def present() -> bool:
            return change in self.changes

        await until(present, bool)


async def test_who_comes_late_is_told_what_is_there(world: World) -> None:
    objects = Objects(world.client)
    await objects.make(SECRETS, "before")
    monitors, early, late = Monitors(world.client), Heard(), Heard()
    monitors.add_handler(early)
    monitors.start()
    monitors.start()
    await monitors.wait_synced()
    monitors.add_handler(late)
    assert "added secrets/before" in early.changes
    assert "added secrets/before" in late.changes
    await objects.make(CONFIG_MAPS, "after")
    await objects.delete(CONFIG_MAPS, "after")
    for heard in (early, late):
        await heard.until("deleted configmaps/after")
        assert heard.changes.count("added configmaps/after") == 1
    await monitors.close()
    await monitors.close()


@pytest.mark.parametrize("others", [("v1alpha1",), ()])
async def test_custom_kinds_are_followed_while_they_are_served(
    world: World, others: tuple[str, ...]
) -> None:
    objects, monitors, heard = Objects(world.client), Monitors(world.client), Heard()
    lost: list[tuple[list[str], bool]] = []
    served: list[bool] = []
    monitors.add_handler(heard)
    monitors.add_lost_handler(
        lambda found, moved: lost.append(([obj.metadata.name for obj in found], moved))
    )
    monitors.add_served_handler(
        lambda: served.append(monitors.served.find("example.com/v1", "Tap") is not None)
    )
    monitors.start()
    await monitors.wait_synced()
    assert served == [False]
    schema = {"openAPIV3Schema": {"type": "object"}}
    versions: list[Tree] = [
        {"name": name, "served": True, "storage": name == "v1", "schema": schema}
        for name in ("v1", *others)
    ]
    names = {"plural": "taps", "singular": "tap", "kind": "Tap"}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": versions}
    await objects.make(DEFINITIONS, "taps.example.com", spec=spec)

    async def known() -> bool:
        return served[-1]

    await until(known, bool)
    await objects.make(TAPS, "t", apiVersion="example.com/v1", kind="Tap")
    await heard.until("added taps/t")
    if others:
        # The preferred version is served no more; the kind goes on in the other.
        versions[0]["served"] = False
        await objects.patch(DEFINITIONS, "taps.example.com", {"spec": {"versions": versions}})
    else:
        await objects.delete(DEFINITIONS, "taps.example.com")

    async def was_lost() -> bool:
        # A kind that is about to go may be served in another way for a moment.
        return bool(lost) and lost[-1][1] == bool(others)

    await until(was_lost, bool)
    if others:
        assert lost[0][0] == ["t"]
        kinds = [k.version for k in monitors.served.preferred("list") if k.plural == "taps"]
        assert kinds == ["v1alpha1"]
    await monitors.close()
