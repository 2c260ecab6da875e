"""What every pod of the node shares: runtime, client, objects, credentials, clock, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from strongroom.api.clock import Clock
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.events import EventRecorder, reference
from strongroom.node.downward import NodeFacts
from strongroom.node.objects import ObjectCache
from strongroom.node.podcertificates import PodCertificates
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.runtimes.port import Runtime
from strongroom.node.services import ServiceVariables
from strongroom.node.tokens import Tokens
from strongroom.node.trustbundles import TrustBundles
from strongroom.resources.pod import Pod


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of the node that pods use."""

    client: Client
    runtime: Runtime
    home: VolumeHome
    objects: ObjectCache
    tokens: Tokens
    certificates: PodCertificates
    bundles: TrustBundles
    recorder: EventRecorder
    node: NodeFacts
    services: ServiceVariables
    clock: Clock
    sleep: Sleep

    def tell(
        self,
        pod: Pod,
        type_: Literal["Normal", "Warning"],
        reason: str,
        message: str,
        *,
        container: str = "",
        init: bool = False,
    ) -> None:
        """Record an event about the pod, or about one of its containers."""
        side = "initContainers" if init else "containers"
        path = f"spec.{side}{{{container}}}" if container else ""
        self.recorder.record(reference(pod, path), type_, reason, message)


def pod_title(pod: Pod) -> str:
    """How the kubelet names a pod in messages: ``name_namespace(uid)``."""
    meta = pod.metadata
    return f"{meta.name}_{meta.namespace}({meta.uid})"
