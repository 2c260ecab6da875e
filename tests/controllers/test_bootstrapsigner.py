"""`cluster-info` carries the signature of each token that may sign, and no other."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.api.times import format_time
from strongroom.controllers.bootstrapsigner import BootstrapSigner
from strongroom.resources.cluster_info import is_signed
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS, Secret
from strongroom.testing.clock import START
from tests.controllers.conftest import World, at_work
from tests.waiting import until

KEY = b"0123456789abcdef"


async def token(world: World, called: str, **data: str) -> Secret:
    """A token that may sign; ``_`` in keys stands for ``-``."""
    text = {"token_id": called, "token_secret": KEY.decode(), "usage_bootstrap_signing": "true"}
    made = Secret(type=BOOTSTRAP_TOKEN)
    made.metadata.name = f"bootstrap-token-{called}"
    made.stringData = {key.replace("_", "-"): t for key, t in (text | data).items()}
    return await world.client.create(SECRETS, made, "kube-system")


async def info(world: World, kubeconfig: str = "v1") -> None:
    """Have it say this instead of what the server made it say."""
    data = {"kubeconfig": kubeconfig}
    await world.client.patch(CONFIG_MAPS, "cluster-info", "kube-public", {"data": data})


async def until_signed(world: World, ids: Iterable[str], *, besides: int = 1) -> ConfigMap:
    """The ConfigMap once it has the signatures of just these tokens."""

    def signed(config: ConfigMap) -> bool:
        wanted = set(ids)
        return len(config.data) == len(wanted) + besides and all(
            is_signed(config.data, token_id, KEY) for token_id in wanted
        )

    return await until(lambda: world.client.get(CONFIG_MAPS, "cluster-info", "kube-public"), signed)


async def test_signatures_follow_the_tokens_and_what_they_sign(world: World) -> None:
    await info(world)
    await token(world, "aaaaaa")
    await token(world, "bbbbbb", usage_bootstrap_signing="false")
    await token(world, "cccccc", expiration=format_time(START))
    await token(world, "dddddd", token_id="eeeeee")
    async with at_work(BootstrapSigner(world.client, world.clock)):
        await until_signed(world, ["aaaaaa"])
        await token(world, "ffffff")
        await until_signed(world, ["aaaaaa", "ffffff"])
        await info(world, "v2")
        await until_signed(world, ["aaaaaa", "ffffff"])
        await world.client.delete(SECRETS, "bootstrap-token-aaaaaa", "kube-system")
        await until_signed(world, ["ffffff"])
        forged = {"data": {"jws-kubeconfig-gggggg": "forged", "more": "stays"}}
        await world.client.patch(CONFIG_MAPS, "cluster-info", "kube-public", forged)
        await until_signed(world, ["ffffff"], besides=2)


async def test_what_is_signed_right_is_not_written_again(world: World) -> None:
    await info(world)
    await token(world, "aaaaaa")
    signer = BootstrapSigner(world.client, world.clock)
    await signer.start()
    await signer.reconcile(("kube-public", "cluster-info"))
    before = await until_signed(world, ["aaaaaa"])
    # As the signer last saw it, it is unsigned: the lost race is no failure.
    await signer.reconcile(("kube-public", "cluster-info"))
    await signer.close()
    again = BootstrapSigner(world.client, world.clock)
    await again.start()
    await again.reconcile(("kube-public", "cluster-info"))
    after = await world.client.get(CONFIG_MAPS, "cluster-info", "kube-public")
    assert after.metadata.resourceVersion == before.metadata.resourceVersion
    for controller in (signer, again):
        controller.queue.close()
        await controller.close()
