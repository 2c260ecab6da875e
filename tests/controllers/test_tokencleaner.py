"""Bootstrap tokens are deleted when their time is over, and not before."""

from __future__ import annotations

from datetime import timedelta

from strongroom.api.times import format_time
from strongroom.controllers.tokencleaner import TokenCleaner
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS, Secret
from strongroom.testing.clock import START
from tests.controllers.conftest import World, at_work
from tests.waiting import gone, until

SYSTEM = "kube-system"


async def token(world: World, name: str, expiration: str = "", of: str = BOOTSTRAP_TOKEN) -> Secret:
    made = Secret(type=of)
    made.metadata.name = name
    made.stringData = {"expiration": expiration} if expiration else {"token-id": "x"}
    return await world.client.create(SECRETS, made, SYSTEM)


async def names(world: World) -> set[str]:
    page = await world.client.list(SECRETS, SYSTEM)
    return {secret.metadata.name for secret in page.items}


async def test_what_has_expired_goes_at_once_and_the_rest_stays(world: World) -> None:
    past, later = format_time(START), format_time(START + timedelta(hours=1))
    await token(world, "past", past)
    await token(world, "unreadable", "tomorrow")
    await token(world, "later", later)
    await token(world, "for-ever")
    await token(world, "no-token", past, of="Opaque")
    async with at_work(TokenCleaner(world.client, world.clock)):
        await until(lambda: names(world), lambda found: found == {"later", "for-ever", "no-token"})
        await world.client.patch(SECRETS, "later", SYSTEM, {"stringData": {"expiration": past}})
        await gone(lambda: world.client.get(SECRETS, "later", SYSTEM))
    assert await names(world) == {"for-ever", "no-token"}


async def test_it_goes_when_its_time_comes(world: World) -> None:
    """One second of real time: the queue wakes up by itself."""
    await token(world, "soon", format_time(START + timedelta(seconds=1)))
    cleaner = TokenCleaner(world.client, world.clock)
    async with at_work(cleaner):
        await until(lambda: _asleep(cleaner), bool)
        assert await names(world) == {"soon"}
        world.clock.advance(1)
        await gone(lambda: world.client.get(SECRETS, "soon", SYSTEM))


async def _asleep(cleaner: TokenCleaner) -> bool:
    return ("kube-system", "soon") in cleaner.queue._timers


async def test_a_new_token_of_the_same_name_is_spared(world: World) -> None:
    await token(world, "same", format_time(START))
    cleaner = TokenCleaner(world.client, world.clock)
    await cleaner.start()
    await cleaner._tokens.close()  # it must not hear of what follows
    await world.client.delete(SECRETS, "same", SYSTEM)
    new = await token(world, "same")
    await cleaner.reconcile((SYSTEM, "same"))
    assert (await world.client.get(SECRETS, "same", SYSTEM)).metadata.uid == new.metadata.uid
    await world.client.delete(SECRETS, "same", SYSTEM)
    await cleaner.reconcile((SYSTEM, "same"))
    cleaner.queue.close()
    await cleaner.close()
