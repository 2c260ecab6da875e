"""The authority is published in each namespace, and set right whatever is done to it."""

from __future__ import annotations

from strongroom.api.errors import StatusError
from strongroom.controllers.rootca import DESCRIPTION, DESCRIPTION_KEY, ROOT_CA, root_ca_publisher
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from tests.controllers.conftest import World, at_work
from tests.waiting import until

CA = b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


async def found(world: World, namespace: str = "default") -> ConfigMap | None:
    try:
        return await world.client.get(CONFIG_MAPS, ROOT_CA, namespace)
    except StatusError as error:
        if error.code != 404:
            raise
        return None


def right(config: ConfigMap | None) -> bool:
    return config is not None and config.data == {"ca.crt": CA.decode()}


async def test_it_is_published_reconciled_and_made_again(world: World) -> None:
    async with at_work(root_ca_publisher(world.client, CA)):
        first = await until(lambda: found(world), right)
        assert first is not None
        assert first.metadata.annotations == {DESCRIPTION_KEY: DESCRIPTION}
        await world.client.patch(CONFIG_MAPS, ROOT_CA, "default", {"data": {"ca.crt": "", "x": ""}})
        await until(lambda: found(world), right)
        await world.client.delete(CONFIG_MAPS, ROOT_CA, "default")
        again = await until(lambda: found(world), right)
        assert again is not None
        assert again.metadata.uid != first.metadata.uid
        await world.namespace("new")
        await until(lambda: found(world, "new"), right)


async def test_a_new_authority_replaces_the_old_one(world: World) -> None:
    old = ConfigMap(data={"ca.crt": "old"})
    old.metadata.name = ROOT_CA
    old.metadata.labels = {"kept": "yes"}
    await world.client.create(CONFIG_MAPS, old, "default")
    async with at_work(root_ca_publisher(world.client, CA)):
        new = await until(lambda: found(world), right)
    assert new is not None
    assert new.metadata.labels == {"kept": "yes"}
    assert new.metadata.annotations == {DESCRIPTION_KEY: DESCRIPTION}


async def test_what_is_right_is_not_written_again(world: World) -> None:
    controller = root_ca_publisher(world.client, CA)
    await controller.start()
    await controller.reconcile(("", "default"))
    first = await until(lambda: found(world), right)
    assert first is not None
    # Others may say more about it; an own description stays.
    await world.client.patch(
        CONFIG_MAPS, ROOT_CA, "default", {"metadata": {"annotations": {DESCRIPTION_KEY: "ours"}}}
    )
    await controller.reconcile(("", "default"))
    kept = await found(world)
    assert kept is not None
    assert kept.metadata.annotations == {DESCRIPTION_KEY: "ours"}
    controller.queue.close()
    await controller.close()
