"""Authorities for the volumes of pods, from ClusterTrustBundles.

Rules: ``pkg/kubelet/clustertrustbundle``. Bundles are followed from when the first pod wants one;
most nodes never do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from strongroom.api.meta import LabelSelector
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.resources import pem
from strongroom.resources.clustertrustbundle import CLUSTER_TRUST_BUNDLES, ClusterTrustBundle
from strongroom.resources.label_selection import selection
from strongroom.resources.pod_projection import ClusterTrustBundleProjection

PATIENCE = 10.0
"""Seconds that the first pod waits for the bundles to be known."""


@dataclass(frozen=True, slots=True)
class WantedBundle:
    """Authorities by what selects them: one name, or a signer and labels."""

    name: str
    signer: str
    selector: bytes
    """A LabelSelector in JSON; empty selects nothing."""


def bundle_wanted(source: ClusterTrustBundleProjection) -> WantedBundle:
    """The authorities that a source of a projected volume stands for."""
    labels = source.labelSelector
    selector = b"" if labels is None else msgspec.json.encode(labels, order="deterministic")
    return WantedBundle(source.name or "", source.signerName or "", selector)


class BundleUnavailable(Exception):
    """There are no such authorities, or it is not known whether there are."""


class TrustBundles:
    """All authorities that the node's pods want."""

    def __init__(self, client: Client, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._informer: Informer[ClusterTrustBundle] | None = None
        self._pods: dict[str, dict[WantedBundle, set[Callable[[WantedBundle], object]]]] = {}

    async def close(self) -> None:
        """Follow nothing any more."""
        if self._informer is not None:
            await self._informer.close()

    async def fetch(
        self, pod_uid: str, wanted: WantedBundle, changed: Callable[[WantedBundle], object]
    ) -> None:
        """Know the bundles; from now on ``changed`` runs when others may be wanted's.

        Raises :class:`BundleUnavailable` when they are not known yet.
        """
        self._pods.setdefault(pod_uid, {}).setdefault(wanted, set()).add(changed)
        if self._informer is None:
            self._informer = Informer(self._client, CLUSTER_TRUST_BUNDLES, sleep=self._sleep)
            self._informer.add_handler(self._on_bundle)
            self._informer.start()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._informer.wait_synced()
        except TimeoutError:
            raise BundleUnavailable("ClusterTrustBundle informer has not yet synced") from None

    def peek(self, wanted: WantedBundle) -> bytes:
        """The authorities in PEM, each once. Raises :class:`BundleUnavailable` for none."""
        found = [each for each in self._all() if _selects(wanted, each)]
        if not found:
            if wanted.name:
                kind = CLUSTER_TRUST_BUNDLES.group_resource
                raise BundleUnavailable(f'{kind} "{wanted.name}" not found')
            text = "combination of signerName and labelSelector matched zero ClusterTrustBundles"
            raise BundleUnavailable(text)
        texts = (each.spec.trustBundle.encode() for each in found)
        # Without comments and headers, and in an order that no change of a bundle turns around.
        contents = {block.content for text in texts for block in pem.blocks(text)}
        return b"".join(pem.armored(pem.CERTIFICATE, each) for each in sorted(contents))

    def forget(self, pod_uid: str) -> None:
        """The pod has ended. Harmless if it never wanted any."""
        self._pods.pop(pod_uid, None)

    def _all(self) -> list[ClusterTrustBundle]:
        return self._informer.items() if self._informer is not None else []

    def _on_bundle(self, change: Change[ClusterTrustBundle]) -> None:
        touched = [each for each in (change.obj, change.old) if each is not None]
        for wishes in list(self._pods.values()):
            for wanted, callbacks in list(wishes.items()):
                if not any(_selects(wanted, each) for each in touched):
                    continue
                for changed in list(callbacks):
                    changed(wanted)


def _selects(wanted: WantedBundle, bundle: ClusterTrustBundle) -> bool:
    if wanted.name:
        return bundle.metadata.name == wanted.name
    if bundle.spec.signerName != wanted.signer or not wanted.selector:
        return False
    labels = selection(msgspec.json.decode(wanted.selector, type=LabelSelector))
    return labels is not None and labels.matches(bundle.metadata.labels)
