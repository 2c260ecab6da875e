"""A pod's volume of tokens: written, renewed in place, and kept when there is none better."""

from __future__ import annotations

from pathlib import Path

from strongroom.client.client import Client
from strongroom.node.downward import NodeFacts
from strongroom.node.objects import ObjectCache
from strongroom.node.podcertificates import PodCertificates
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.trustbundles import TrustBundles
from strongroom.node.volumes.manager import PodVolumes
from strongroom.resources.pod import PODS
from tests.node.cluster import Cluster
from tests.node.test_tokens import HOUR, Holder, holder, quiet

__all__ = ["holder", "quiet"]

VOLUME = {
    "name": "t",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ]
    },
}


async def test_a_token_in_a_file(
    quiet: Cluster, client: Client, holder: Holder, tmp_path: Path
) -> None:
    pod = await quiet.pod(
        "v", "true", nodeName="elsewhere", serviceAccountName="robot", volumes=[VOLUME]
    )
    told: list[str] = []
    home = VolumeHome(tmp_path, rootless=True, swappable=True)
    volumes = PodVolumes(
        pod,
        home=home,
        objects=ObjectCache(client),
        tokens=holder.tokens,
        certificates=PodCertificates(client, "n", clock=holder.clock),
        bundles=TrustBundles(client),
        node=NodeFacts("n", ("10.0.0.1",)),
        report=lambda volume, text: told.append(text),
    )
    assert await volumes.set_up() == []
    file = home.volume(pod.metadata.uid, "t") / "token"
    first = file.read_text()
    assert first.count(".") == 2
    await holder.later(0.9 * HOUR)
    second = file.read_text()
    assert second.count(".") == 2
    assert second != first
    await quiet.client.delete(PODS, "v", quiet.namespace, grace_seconds=0)
    await holder.later(2 * HOUR)
    # A container that still runs reads what there was; people are told, once.
    await holder.later(60)
    assert file.read_text() == second
    (text,) = told
    assert text.endswith('expired and refresh failed: pods "v" not found')
    volumes.wipe()
    assert not file.exists()
    assert await holder.later(2 * HOUR) == 0
    assert len(told) == 1
