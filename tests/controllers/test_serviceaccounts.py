"""Each active namespace has its default account, soon after it is made and again when deleted."""

from __future__ import annotations

from strongroom.controllers.serviceaccounts import service_account_controller
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS
from tests.controllers.conftest import World, at_work
from tests.waiting import until


async def accounts(world: World) -> dict[str, str]:
    """The UID of each namespace's account."""
    page = await world.client.list(SERVICE_ACCOUNTS)
    return {a.metadata.namespace: a.metadata.uid for a in page.items}


async def test_every_namespace_has_one_and_has_it_again(world: World) -> None:
    system = {"default", "kube-system", "kube-public", "kube-node-lease"}
    async with at_work(service_account_controller(world.client)):
        await until(lambda: accounts(world), lambda found: set(found) == system)
        await world.namespace("new")
        found = await until(lambda: accounts(world), lambda found: "new" in found)
        patch = {"automountServiceAccountToken": False}
        await world.client.patch(SERVICE_ACCOUNTS, "default", "kube-public", patch)
        await world.client.delete(SERVICE_ACCOUNTS, "default", "new")
        again = await until(
            lambda: accounts(world),
            lambda now: now.get("new", found["new"]) != found["new"],
        )
        # What a person changed was left as it is.
        kept = await world.client.get(SERVICE_ACCOUNTS, "default", "kube-public")
        assert kept.automountServiceAccountToken is False
        assert {n: u for n, u in again.items() if n != "new"} == {
            n: u for n, u in found.items() if n != "new"
        }
        account = await world.client.get(SERVICE_ACCOUNTS, "default", "new")
        assert account.secrets == []  # no token is made for it


async def test_none_is_made_where_a_namespace_is_being_deleted(world: World) -> None:
    await world.namespace("doomed")
    controller = service_account_controller(world.client)
    await controller.start()
    # The watch has not told yet: the refusal is no failure.
    await world.client.delete(NAMESPACES, "doomed")
    await controller.reconcile(("", "doomed"))
    await until(
        lambda: world.client.get(NAMESPACES, "doomed"),
        lambda namespace: namespace.status.phase == "Terminating",
    )
    await controller.reconcile(("", "doomed"))
    await controller.reconcile(("", "never"))
    assert "doomed" not in await accounts(world)
    controller.queue.close()
    await controller.close()
