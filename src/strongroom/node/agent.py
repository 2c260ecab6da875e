"""The node agent put together: everything that runs between its start and its end."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from strongroom.api.clock import Clock, SystemClock
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client
from strongroom.client.config import ClientConfig
from strongroom.client.errors import InvalidConfig
from strongroom.client.events import EventRecorder
from strongroom.client.informer import Informer
from strongroom.client.tls import trust
from strongroom.node import machine
from strongroom.node.downward import NodeFacts
from strongroom.node.endpoint import Endpoint
from strongroom.node.identity import Identity
from strongroom.node.objects import ObjectCache
from strongroom.node.options import NodeOptions
from strongroom.node.podcertificates import PodCertificates
from strongroom.node.pods import PodManager
from strongroom.node.registration import Registration
from strongroom.node.rotation import Rotation
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.runtimes.port import Runtime
from strongroom.node.services import ServiceVariables
from strongroom.node.surroundings import Surroundings
from strongroom.node.tokens import Tokens
from strongroom.node.trustbundles import TrustBundles
from strongroom.resources.pod import PODS, Pod

_log = logging.getLogger("strongroom.node")


class Agent:
    """One node. ``start`` it, then ``close`` it: its pods' processes end with it.

    The runtime must not have been started yet; the agent starts and closes it.
    """

    def __init__(
        self,
        options: NodeOptions,
        config: ClientConfig,
        home: VolumeHome,
        runtime: Runtime,
        *,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._options = options
        self._config = config
        self._runtime = runtime
        clock = clock or SystemClock()
        self._client = Client(config, user_agent="strongroom-node", clock=clock)
        capacity = machine.capacity(options.root_dir)
        addresses = options.addresses or (machine.address_towards(config.server),)
        facts = NodeFacts(options.name, addresses, capacity)
        self._recorder = EventRecorder(
            self._client, component="kubelet", host=options.name, clock=clock
        )
        self._objects = ObjectCache(self._client, sleep=sleep)
        self._around = Surroundings(
            client=self._client,
            runtime=runtime,
            home=home,
            objects=self._objects,
            tokens=Tokens(self._client, clock=clock, sleep=sleep),
            certificates=PodCertificates(self._client, options.name, clock=clock, sleep=sleep),
            bundles=TrustBundles(self._client, sleep=sleep),
            recorder=self._recorder,
            node=facts,
            services=ServiceVariables(self._client, config.server, sleep=sleep),
            clock=clock,
            sleep=sleep,
        )
        self.pods = PodManager(self._around)
        self._endpoint = Endpoint(self.pods, runtime)
        self._registration: Registration | None = None
        self._rotation: Rotation | None = None
        self._informer: Informer[Pod] = Informer(
            self._client,
            PODS,
            field_selector=f"spec.nodeName={options.name}",
            sleep=sleep,
            # A server that restarts is back within a second or two; pods wait for it.
            backoff=Backoff(initial=0.1, limit=5.0),
        )
        if home.swappable:
            _log.warning(
                "volumes may reach swap space: a tmpfs kept out of it needs root and Linux 6.4"
            )

    async def start(self) -> None:
        """Check the runtime, serve, register, and take on the pods. Returns once all is up."""
        await self._runtime.start()
        self._recorder.start()
        self._around.tokens.start()
        self._around.certificates.start()
        port = 0
        context = serving_context(self._options, self._config)
        if context is not None:
            port = await self._endpoint.start(self._options.bind, self._options.port, context)
        else:
            _log.warning("no --tls-cert-file: logs of containers cannot be fetched from this node")
        if self._options.register:
            self._registration = Registration(
                self._client,
                self._around.node,
                capacity=self._around.node.allocatable,
                port=port,
                labels=self._options.labels,
                clock=self._around.clock,
                sleep=self._around.sleep,
            )
            await self._registration.register()
        if self._options.rotate_certificates and self._options.kubeconfig is not None:
            self._rotation = Rotation(
                Identity(self._options.kubeconfig.absolute().parent, self._options.name),
                self._client,
                context,
                clock=self._around.clock,
                sleep=self._around.sleep,
            )
            self._rotation.start()
        await self._around.services.start()
        self._informer.add_handler(self.pods.handle)
        self._informer.start()
        await self._informer.wait_synced()

    async def close(self) -> None:
        """Stop, and end every process of every pod. The pods stay in the API."""
        await self._informer.close()
        await self.pods.close()
        if self._rotation is not None:
            await self._rotation.close()
        if self._registration is not None:
            await self._registration.close()
        await self._endpoint.close()
        await self._around.services.close()
        await self._around.tokens.close()
        await self._around.certificates.close()
        await self._around.bundles.close()
        await self._objects.close()
        await self._runtime.close()
        await self._recorder.close()
        await self._client.close()


def serving_context(options: NodeOptions, config: ClientConfig) -> ssl.SSLContext | None:
    """TLS of the HTTPS endpoint; None when no certificate was given.

    A client certificate is demanded during the handshake. Raises InvalidConfig.
    """
    if options.tls_cert_file is None or options.tls_key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert_file, options.tls_key_file, password="")
    except (OSError, ssl.SSLError, ValueError):
        raise InvalidConfig("--tls-cert-file and --tls-private-key-file are unusable") from None
    context.verify_mode = ssl.CERT_REQUIRED
    trust(context, _authority(options.client_ca_file, config))
    return context


def _authority(file: Path | None, config: ClientConfig) -> bytes:
    if file is None:
        if not config.ca_data:
            raise InvalidConfig("--client-ca-file is needed: the kubeconfig names no authority")
        return config.ca_data
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"cannot read {file}: {error.strerror}") from error
