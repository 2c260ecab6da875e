"""Where audit events go, put together: the log, and what else is configured.

There is one of it for a server, in the process that alone writes: with several workers, the keeper.
Each event goes to all places. Further ones are added with ``Fan.add``.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.api.clock import Clock
from strongroom.audit_chain import chain_key_file
from strongroom.kubeconfig import InvalidKubeconfig
from strongroom.paths import default_key_file
from strongroom.server.audit.batching import Batches
from strongroom.server.audit.chained import Chained
from strongroom.server.audit.log import LogSink
from strongroom.server.audit.logfile import STDOUT, LogFile
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.options import LogOptions, TruncateOptions, WebhookOptions
from strongroom.server.audit.rotation import Rotation
from strongroom.server.audit.sink import Fan, Settling, Sink
from strongroom.server.audit.truncation import Truncating
from strongroom.server.audit.webhook import GRACE, WebhookSink
from strongroom.server.etcd_options import ETCD
from strongroom.server.metrics import Metrics
from strongroom.server.options import Options
from strongroom.server.reloading import BadFile
from strongroom.server.storage import installation_id
from strongroom.server.webhook_endpoint import read_endpoint
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_MEGABYTE = 1024 * 1024


def audit_outlets(
    options: Options, clock: Clock, metrics: Metrics, stack: contextlib.AsyncExitStack
) -> Fan:
    """All places, as one sink. Raises ChainError, BadFile, OSError."""
    sinks: list[Sink] = []
    settling: list[Settling] = []
    settings = options.audit
    if settings.log.path:
        log_sink = _log(options, clock, metrics, stack)
        sinks.append(_gathered(settings.log, log_sink, metrics, clock, stack))
        if settings.log.mode == "blocking-strict":
            settling.append(log_sink)
    if settings.webhook.config_file is not None:
        webhook = _webhook(settings.webhook, settings.webhook.config_file, clock, metrics, stack)
        sinks.append(_truncated(settings.webhook.truncate, webhook, metrics, clock))
        if settings.webhook.mode != "batch":
            settling.append(webhook)
    fan = Fan(sinks, settling)
    metrics.registry.register(_Events(fan))
    return fan


def _log(
    options: Options, clock: Clock, metrics: Metrics, stack: contextlib.AsyncExitStack
) -> LogSink:
    settings = options.audit.log
    path, chained = Path(settings.path), None
    if path != STDOUT:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What is read back by nobody, as a pipe or a device, is not chained.
        if settings.chain and (path.is_file() or not path.exists()):
            chained = _chain(options, path)
            stack.callback(chained.close)
    rotation = Rotation(
        settings.maxsize * _MEGABYTE, settings.maxbackup, settings.maxage, settings.compress
    )
    file = LogFile(path, clock, rotation, chained)
    losses = Losses("log", metrics.audit_errors, clock)
    sink = LogSink(file, losses, insistent=settings.mode == "blocking-strict")
    stack.callback(sink.close)
    return sink


def _gathered(
    settings: LogOptions,
    sink: LogSink,
    metrics: Metrics,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> Sink:
    """The log, behind a buffer if there is to be one."""
    if settings.mode != "batch":
        return _truncated(settings.truncate, sink, metrics, clock)
    most = settings.truncate.max_batch_size if settings.truncate.enabled else 0
    overflow = Losses("buffered", metrics.audit_errors, clock)

    async def deliver(batch: Sequence[bytes]) -> None:
        # The sink counts what is lost.
        with contextlib.suppress(OSError):
            sink.append(batch)

    batches = Batches(settings.batch, deliver, overflow, most=most)
    stack.push_async_callback(batches.close, GRACE)
    return _truncated(settings.truncate, batches, metrics, clock)


def _truncated(settings: TruncateOptions, sink: Sink, metrics: Metrics, clock: Clock) -> Sink:
    if not settings.enabled:
        return sink
    losses = Losses("truncate", metrics.audit_errors, clock)
    return Truncating(sink, settings.max_event_size, losses)


def _webhook(
    settings: WebhookOptions,
    kubeconfig: Path,
    clock: Clock,
    metrics: Metrics,
    stack: contextlib.AsyncExitStack,
) -> WebhookSink:
    losses, overflow = (
        Losses(plugin, metrics.audit_errors, clock) for plugin in ("webhook", "buffered")
    )
    try:
        endpoint = read_endpoint(kubeconfig)
    except InvalidKubeconfig as error:
        raise BadFile(str(error)) from error
    sink = WebhookSink(settings, endpoint, losses, overflow)
    stack.push_async_callback(sink.close)
    return sink


def _chain(options: Options, path: Path) -> Chained:
    key = chain_key_of(options)
    chained = Chained(key, path)
    log(logger, logging.INFO, "audit log is chained", events=chained.sequence, key=str(key))
    return chained


def chain_key_of(options: Options) -> Path:
    """Where the key of the log's chain is."""
    given = options.audit.log.chain_key_file
    if given is not None:
        return given.absolute()
    beside = options.encryption.encryption_key_file
    if beside is None:
        beside = default_key_file(installation_id(options.data_dir))
    elif options.store.startswith(ETCD):
        # Other servers may have the same key file, and each has a chain of its own.
        beside = beside.with_suffix(f".{installation_id(options.data_dir)}.key")
    return chain_key_file(beside.absolute())


class _Events(Collector):
    """How many events there were: counted in a plain number, for one is taken every moment."""

    def __init__(self, fan: Fan) -> None:
        self._fan = fan

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "apiserver_audit_event_total",
            "Audit events that were generated.",
            value=self._fan.events,
        )
