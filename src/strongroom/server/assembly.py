"""The composition root: builds the server from its parts, and takes it apart again in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from strongroom.access.authn.union import AnonymousOnPaths, GroupAdder, UnionAuthenticator
from strongroom.access.authn.x509 import X509Authenticator
from strongroom.access.authz.components import COMPONENTS
from strongroom.access.authz.port import Authorizer
from strongroom.access.authz.union import MastersAuthorizer, UnionAuthorizer
from strongroom.api.clock import Clock, SystemClock
from strongroom.paths import claim_data_dir
from strongroom.registry.admission import AdmissionPlugin
from strongroom.registry.registry import Registry
from strongroom.resources.catalog import CATALOG
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS
from strongroom.resources.service import SERVICES
from strongroom.server.admission import AdmissionParts
from strongroom.server.app import App
from strongroom.server.audit import Audit, LogSink
from strongroom.server.bootstrap import ensure_namespaces
from strongroom.server.builtins import ensure_builtins
from strongroom.server.customkinds import CustomKinds
from strongroom.server.definitions import Definitions
from strongroom.server.endpoints import Endpoints
from strongroom.server.fairness import Fairness
from strongroom.server.fairness_metrics import FlowMetrics
from strongroom.server.health import Check, Health
from strongroom.server.kinds import Kinds
from strongroom.server.livedocs import LiveDocuments
from strongroom.server.maintenance import EVENT_SWEEP, Compactor, EventSweeper, repeat
from strongroom.server.metrics import Metrics
from strongroom.server.options import Options
from strongroom.server.paths import path_routes
from strongroom.server.pipeline import Pipeline
from strongroom.server.pki import PKI, PKIError, prepare_pki, write_kubeconfigs
from strongroom.server.podlogs import PodLogs
from strongroom.server.routes import Routes
from strongroom.server.runfile import run_file
from strongroom.server.service_addresses import ServiceAddresses, ServiceRegistry
from strongroom.server.serving import Listener, base_url, listen, tls_context
from strongroom.server.shutdown import Shutdown
from strongroom.server.storage import open_store
from strongroom.storage.encryption.port import EncryptionError
from strongroom.storage.errors import StoreError
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version"})
"""What may be read without credentials, as upstream's ``system:public-info-viewer`` allows."""


class StartError(Exception):
    """The server cannot start; the text says why, to the person who started it."""


class Server:
    """A server that is ready to run. ``stop`` may be called at any time, and more than once."""

    def __init__(self, url: str, listener: Listener, shutdown: Shutdown) -> None:
        self.url = url
        self._listener = listener
        self._shutdown = shutdown

    async def run(self) -> None:
        """Serve until ``stop``; returns when the last request has been answered."""
        await self._listener.serve()

    async def ready(self) -> None:
        """Wait until connections are accepted."""
        await self._listener.serving.wait()

    def stop(self) -> None:
        """Fail readiness, end the watches, accept nothing more, let requests finish."""
        self._shutdown.begin()
        self._listener.stop()


@contextlib.asynccontextmanager
async def assemble(options: Options, clock: Clock | None = None) -> AsyncIterator[Server]:
    """Build a server; on leaving, everything is closed in the reverse order.

    Raises StartError for what a person can mend: an address in use, a missing key, a locked store.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            server = await _build(options, clock or SystemClock(), stack)
        except (OSError, PKIError, EncryptionError, StoreError) as error:
            raise StartError(str(error)) from error
        yield server


async def _build(options: Options, clock: Clock, stack: contextlib.AsyncExitStack) -> Server:
    claim_data_dir(options.data_dir)
    # The store's lock comes first: a second server must not change the first one's files.
    opened = open_store(options.data_dir, options.store, options.encryption_key_file)
    store = opened.store
    stack.push_async_callback(store.close)
    pki = prepare_pki(options.pki_dir, options.bind, options.node_name, clock.now())
    sock = _listen(options)
    stack.callback(sock.close)
    url = base_url(sock, options.bind)
    write_kubeconfigs(pki, options.kubeconfig, url)
    stack.enter_context(run_file(options, url, opened))
    addresses = ServiceAddresses(options.service_cluster_ip_range)
    authorizer = UnionAuthorizer([MastersAuthorizer(), COMPONENTS])
    kinds = await _start_kinds(store, clock, addresses, authorizer, stack)
    await ensure_builtins(kinds, clock, addresses.network, options.bind, url)
    _start_maintenance(options, store, kinds, clock, stack)

    shutdown, metrics = Shutdown(), Metrics(kinds.resources())
    kinds.changed.append(lambda: metrics.serve(kinds.resources()))
    pods, nodes = kinds.registry("", "pods"), kinds.registry("", "nodes")
    logs = PodLogs(pods, nodes, _node_client_context(pki))
    stack.push_async_callback(logs.close)
    pipeline = Pipeline(
        GroupAdder(AnonymousOnPaths(UnionAuthenticator([X509Authenticator(clock)]), PUBLIC_PATHS)),
        Audit(_audit_sink(options, clock, metrics, stack), clock),
        authorizer,
        _routes(metrics, shutdown, store, LiveDocuments(kinds, url.removeprefix("https://"))),
        Endpoints(kinds, logs),
        _fairness(options, metrics, stack),
    )
    app = App(pipeline, metrics, shutdown, clock)
    return Server(url, Listener(app, sock, _serving_context(options, pki)), shutdown)


def _fairness(options: Options, metrics: Metrics, stack: contextlib.AsyncExitStack) -> Fairness:
    seats = options.max_requests_inflight + options.max_mutating_requests_inflight
    fairness = Fairness(seats, max_watches=options.max_watches_per_user)
    metrics.registry.register(FlowMetrics(fairness))
    stack.push_async_callback(_cancelled, asyncio.create_task(repeat(1.0, fairness.expire)))
    return fairness


def _listen(options: Options) -> socket.socket:
    try:
        return listen(options.bind, options.port)
    except OSError as error:
        where = f"{options.bind} port {options.port}"
        advice = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise StartError(f"cannot listen on {where}: {error.strerror}{advice}") from error


async def _start_kinds(
    store: Store,
    clock: Clock,
    addresses: ServiceAddresses,
    authorizer: Authorizer,
    stack: contextlib.AsyncExitStack,
) -> Kinds:
    """The registries of all kinds, with the system's namespaces in them."""
    admission = AdmissionParts(clock, authorizer)
    stack.push_async_callback(admission.close)
    kinds = Kinds(
        ServiceRegistry(addresses, r, store, (*admission.plugins, addresses), clock)
        if r is SERVICES
        else Registry(r, store, admission.plugins, clock)
        for r in CATALOG.all()
    )
    for registry in kinds.fixed():
        await registry.start()
        stack.push_async_callback(registry.close)
    _start_custom_kinds(kinds, store, admission.plugins, clock, stack)
    admission.attach(kinds)
    await ensure_namespaces(kinds.registry("", "namespaces"), clock)
    return kinds


def _start_custom_kinds(
    kinds: Kinds,
    store: Store,
    plugins: Sequence[AdmissionPlugin],
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Serve what definitions define, and look after the definitions."""
    crds = CUSTOM_RESOURCE_DEFINITIONS
    registry = kinds.registry(crds.group, crds.plural)
    served = CustomKinds(kinds, registry, store, lambda r: Registry(r, store, plugins, clock))
    stack.push_async_callback(served.close)
    # Admission has judged the deletion of the definition: its objects follow without asking.
    keeper = Definitions(registry, clock, lambda r: Registry(r, store, (), clock))
    stack.push_async_callback(keeper.close)


def _start_maintenance(
    options: Options,
    store: Store,
    kinds: Kinds,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> None:
    sweeper = EventSweeper(kinds.registry("", "events"), clock, options.event_ttl)
    for seconds, act in (
        (options.compaction_interval, Compactor(store).turn),
        (EVENT_SWEEP, sweeper.turn),
    ):
        task = asyncio.create_task(repeat(seconds, act))
        stack.push_async_callback(_cancelled, task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _audit_sink(
    options: Options, clock: Clock, metrics: Metrics, stack: contextlib.AsyncExitStack
) -> LogSink:
    path = Path(options.audit_log_path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def failed(error: OSError) -> None:
        metrics.audit_errors.labels("log").inc()
        log(logger, logging.ERROR, "audit event lost", error)

    sink = LogSink(
        path,
        clock,
        failed,
        max_bytes=options.audit_log_maxsize * 1024 * 1024,
        keep=options.audit_log_maxbackup,
    )
    stack.callback(sink.close)
    return sink


def _routes(metrics: Metrics, shutdown: Shutdown, store: Store, documents: LiveDocuments) -> Routes:
    async def ping() -> None:
        """Answering at all is the check."""

    async def storage() -> None:
        await store.revision()

    live: dict[str, Check] = {"ping": ping, "etcd": storage}
    ready: dict[str, Check] = {**live, "shutdown": shutdown.check}
    healths = {
        "/livez": Health("livez", live),
        "/readyz": Health("readyz", ready),
        "/healthz": Health("healthz", live),
    }
    return path_routes(metrics, healths, documents)


def _serving_context(options: Options, pki: PKI) -> ssl.SSLContext:
    certificate, key = pki.files("apiserver")
    context = tls_context(
        options.tls_cert_file or certificate, options.tls_private_key_file or key, pki.ca_file
    )
    if options.client_ca_file is not None:
        context.load_verify_locations(options.client_ca_file)
    return context


def _node_client_context(pki: PKI) -> ssl.SSLContext:
    """How nodes are spoken to: they must be of our authority, and are shown our certificate."""
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    context.load_cert_chain(*pki.files("apiserver-kubelet-client"))
    return context
