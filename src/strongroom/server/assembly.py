"""The composition root: builds the server from its parts, and takes it apart again in order."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any

from strongroom import __version__
from strongroom.api import compaction
from strongroom.api.clock import Clock, SystemClock
from strongroom.backup import lines as backup
from strongroom.server.alerts.care import Alerts
from strongroom.server.app import App
from strongroom.server.audit.making import make_audit
from strongroom.server.audit.outlets import audit_outlets
from strongroom.server.backup import Backups
from strongroom.server.compaction import Compaction
from strongroom.server.duties import Duties
from strongroom.server.encryption.operations import EncryptionOperations
from strongroom.server.endpoints import Endpoints
from strongroom.server.fairness import Fairness
from strongroom.server.fairness_metrics import FlowMetrics
from strongroom.server.freshness import Known
from strongroom.server.gate import Gate
from strongroom.server.given import Given
from strongroom.server.ground import Ground, occupy, start_errors
from strongroom.server.health import Check, Health
from strongroom.server.kinds import Kinds
from strongroom.server.livedocs import LiveDocuments
from strongroom.server.maintenance import keep_doing
from strongroom.server.membership import Office
from strongroom.server.metrics import Metrics
from strongroom.server.oidc import discovery_documents
from strongroom.server.options import Options
from strongroom.server.partial import PartialAccess
from strongroom.server.paths import Page, path_routes
from strongroom.server.pipeline import Pipeline
from strongroom.server.pki import PKI
from strongroom.server.podlogs import PodLogs
from strongroom.server.registries import start_registries
from strongroom.server.routes import Handler, Routes
from strongroom.server.secret_care import SecretCare
from strongroom.server.serving import Listener
from strongroom.server.shutdown import Shutdown
from strongroom.server.tokenrequests import TokenRequests
from strongroom.server.turns import BothTurns, LocalTurns, Turns
from strongroom.server.verbs.token import token_verb
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.format import note_format


class Server:
    """A server that is ready to run. ``stop`` may be called at any time, and more than once."""

    def __init__(
        self,
        url: str,
        listener: Listener,
        shutdown: Shutdown,
        prepare: Callable[[], Awaitable[None]],
        take_up: Callable[[contextlib.AsyncExitStack], Coroutine[Any, Any, None]],
    ) -> None:
        self.url = url
        self.prepare = prepare
        """Do what one process of each server does, from now until the end."""
        self.take_up = take_up
        """Do what one server does for all that share its store, until a stack ends it."""
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
    """Build a server of one process; on leaving, everything is closed in the reverse order.

    Raises StartError for what a person can mend: an address in use, a missing key, a locked store.
    """
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        with start_errors():
            ground = await occupy(options, clock, stack)
            server = await _build(options, _alone(options, ground, clock, stack), clock, stack)
            await server.prepare()
            if ground.membership is None:
                await server.take_up(stack)
            else:
                office = Office(server.take_up)
                office.begin(stack)
                ground.membership.follow(office.hold)
        yield server


@contextlib.asynccontextmanager
async def assemble_worker(
    options: Options, given: Given, clock: Clock | None = None
) -> AsyncIterator[Server]:
    """Build a server that is one of several over a store. Raises StartError as ``assemble``."""
    async with contextlib.AsyncExitStack() as stack:
        with start_errors():
            server = await _build(options, given, clock or SystemClock(), stack)
        yield server


def _alone(
    options: Options, ground: Ground, clock: Clock, stack: contextlib.AsyncExitStack
) -> Given:
    opened = ground.opened
    store = EncryptedStore(opened.database, opened.encrypting.values)

    async def alive() -> None:
        await store.revision()

    async def text(metrics: Metrics) -> bytes:
        return metrics.render()

    return Given(
        store,
        opened.encrypting,
        ground.pki,
        ground.url,
        alive,
        _turns(ground),
        lambda metrics: audit_outlets(options, clock, metrics, stack),
        text,
        lambda app, context: Listener(app, ground.sock, context),
        behind=ground.membership is not None,
        shared=ground.membership is not None,
    )


def _turns(ground: Ground) -> Turns:
    """Those of this process, and of all servers where there may be others."""
    here = LocalTurns()
    return here if ground.membership is None else BothTurns(here, ground.membership)


async def _build(
    options: Options, given: Given, clock: Clock, stack: contextlib.AsyncExitStack
) -> Server:
    gate = Gate(options, given, clock, stack)
    encrypting = given.encrypting
    operations = EncryptionOperations(given.store, encrypting.own, encrypting.configured, clock)
    kinds = await start_registries(options, given, clock, gate, operations, stack)

    shutdown, metrics = Shutdown(), Metrics(kinds.resources())
    gate.begin(kinds, metrics.registry, stack)
    kinds.changed.append(lambda: metrics.serve(kinds.resources()))
    care = SecretCare(options.secrets, kinds, clock)
    care.begin(stack)
    alerts = Alerts(options.alerts, given.store, kinds, clock, metrics.registry)
    sink = given.audit(metrics)
    sink.add(alerts)
    documents = LiveDocuments(kinds, given.url.removeprefix("https://"))
    pipeline = Pipeline(
        gate.authentication.authenticator,
        await make_audit(options.recorded, sink, given.store, clock),
        gate.authorization.authorizer,
        _routes(
            lambda: care.page(given.metrics(metrics)),
            shutdown,
            _vital(given),
            documents,
            discovery_documents(gate.tokens, given.url)
            | {backup.PATH: Backups(given.store, clock).serve},
            {compaction.PATH: Compaction(given.store).serve},
        ),
        _endpoints(kinds, gate, care, given.pki, stack),
        _fairness(options, metrics, stack),
        PartialAccess(gate.authorization.partial, kinds),
        fresh=Known(given.store) if given.shared else None,
    )
    encrypting.begin(metrics.registry, stack)
    settle = sink.settle if options.audit.settles else None
    app = App(pipeline, metrics, shutdown, clock, settle)
    listener = given.listener(app, gate.tls.context)
    listener.keep_apart(options.tls.proxy_headers.beginnings)
    gate.tls.begin(stack)

    duties = Duties(options, given.url, given.store, kinds, gate.tokens, gate.tls, clock)

    async def prepare() -> None:
        await note_format(given.store, __version__)
        await duties.prepare()
        await duties.keep_keys(stack, shared=given.shared)
        # Each server holds its own requests against the rules.
        await alerts.lead(stack)

    async def take_up(office: contextlib.AsyncExitStack) -> None:
        await duties.take_up(office)
        care.lead(office)
        operations.rewrapping.lead(office)

    return Server(given.url, listener, shutdown, prepare, take_up)


def _endpoints(
    kinds: Kinds, gate: Gate, care: SecretCare, pki: PKI, stack: contextlib.AsyncExitStack
) -> Endpoints:
    """All that is served of kinds, the logs of pods too: those are had from nodes."""
    pods, nodes = kinds.registry("", "pods"), kinds.registry("", "nodes")
    logs = PodLogs(pods, nodes, _node_client_context(pki))
    stack.push_async_callback(logs.close)
    return Endpoints(
        kinds,
        logs,
        {("serviceaccounts", "token"): token_verb(TokenRequests(kinds, gate.tokens))},
        care.reads,
        gate.sharing,
        gate.authorization.authorizer,
    )


def _fairness(options: Options, metrics: Metrics, stack: contextlib.AsyncExitStack) -> Fairness:
    """The limits of this process: workers are given as many connections each, and share alike."""
    seats = options.max_requests_inflight + options.max_mutating_requests_inflight
    watches = options.max_watches_per_user
    share, watches = (-(-most // options.workers) for most in (seats, watches))
    fairness = Fairness(share, max_watches=watches)
    metrics.registry.register(FlowMetrics(fairness))
    keep_doing(1.0, fairness.expire, stack)
    return fairness


def _vital(given: Given) -> dict[str, Check]:
    """What nothing works without, under upstream's names."""
    return {"etcd": given.alive, **given.encrypting.checks}


def _routes(
    metrics: Page,
    shutdown: Shutdown,
    vital: dict[str, Check],
    documents: LiveDocuments,
    more: Mapping[str, Handler],
    posts: Mapping[str, Handler],
) -> Routes:
    async def ping() -> None:
        """Answering at all is the check."""

    live: dict[str, Check] = {"ping": ping, **vital}
    ready: dict[str, Check] = {**live, "shutdown": shutdown.check}
    healths = {
        "/livez": Health("livez", live),
        "/readyz": Health("readyz", ready),
        "/healthz": Health("healthz", live),
    }
    return path_routes(metrics, healths, documents, more, posts)


def _node_client_context(pki: PKI) -> ssl.SSLContext:
    """How nodes are spoken to: they must be of our authority, and are shown our certificate."""
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    context.load_cert_chain(*pki.files("apiserver-kubelet-client"))
    return context
