"""What is counted about tokens of issuers and the file that names these; names are upstream's.

Issuers are told by a hash of their URL, as upstream: metrics are read by more people than the
configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.api.clock import Clock

_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_CONTROLLER = "apiserver_authentication_config_controller"
_ISSUERS = "apiserver_authentication_jwt_authenticator"


def hashed(text: str) -> str:
    """A hash as upstream's labels have it; "" of nothing."""
    return _digest(text.encode()) if text else ""


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class AuthenticationMetrics:
    """Counts for one process. What happens before ``attach`` is counted too, and shown then.

    ``identity`` is what tells this server from the others that write to the same Prometheus.
    """

    def __init__(self, clock: Clock, identity: str) -> None:
        self._clock = clock
        self._identity = hashed(identity)
        self._configuration = ""
        self._key_sets: dict[str, str] = {}
        self._latency = Histogram(
            f"{_ISSUERS}_latency_seconds",
            "Seconds that a token of an issuer took which no cache knew.",
            ("result", "jwt_issuer_hash"),
            buckets=_BUCKETS,
            registry=None,
        )
        self._fetches = Gauge(
            f"{_ISSUERS}_jwks_fetch_last_timestamp_seconds",
            "When keys of an issuer were fetched last, or could not be.",
            ("result", "jwt_issuer_hash", "apiserver_id_hash"),
            registry=None,
        )
        self._reloads = Counter(
            f"{_CONTROLLER}_automatic_reloads_total",
            "Changed configurations of authentication that were read, by whether they could be "
            "used.",
            ("status", "apiserver_id_hash"),
            registry=None,
        )
        self._reloaded = Gauge(
            f"{_CONTROLLER}_automatic_reload_last_timestamp_seconds",
            "When a changed configuration of authentication was read last.",
            ("status", "apiserver_id_hash"),
            registry=None,
        )

    def attach(self, registry: CollectorRegistry) -> None:
        """Show it all."""
        for collector in (self._latency, self._fetches, self._reloads, self._reloaded):
            registry.register(collector)
        registry.register(_Infos(self))

    def judged(self, issuer: str, seconds: float, *, good: bool) -> None:
        """A token of an issuer was looked at."""
        self._latency.labels("success" if good else "failure", hashed(issuer)).observe(seconds)

    def fetched(self, issuer: str, key_set: bytes | None) -> None:
        """Keys of an issuer were fetched, or (None) could not be."""
        result = "failure" if key_set is None else "success"
        if key_set is not None:
            self._key_sets[issuer] = _digest(key_set)
        labels = result, hashed(issuer), self._identity
        self._fetches.labels(*labels).set(self._clock.now().timestamp())

    def forget(self, issuer: str) -> None:
        """An issuer is not in the configuration any more."""
        self._key_sets.pop(issuer, None)
        for result in ("success", "failure"):
            self._fetches.remove_by_labels({"result": result, "jwt_issuer_hash": hashed(issuer)})

    def uses(self, configuration: bytes) -> None:
        """This content of the configuration's file is in use."""
        self._configuration = _digest(configuration)

    def reloaded(self, good: bool) -> None:
        """A changed configuration was read."""
        labels = "success" if good else "failure", self._identity
        self._reloads.labels(*labels).inc()
        self._reloaded.labels(*labels).set(self._clock.now().timestamp())

    def infos(self) -> Iterable[Metric]:
        """What is in use, as hashes."""
        family = GaugeMetricFamily(
            f"{_CONTROLLER}_last_config_info",
            "The configuration of authentication in use, by its hash.",
            labels=("apiserver_id_hash", "hash"),
        )
        if self._configuration:
            family.add_metric((self._identity, self._configuration), 1)
        yield family
        family = GaugeMetricFamily(
            f"{_ISSUERS}_jwks_fetch_last_key_set_info",
            "The key set of an issuer that was fetched last, by its hash.",
            labels=("jwt_issuer_hash", "apiserver_id_hash", "hash"),
        )
        for issuer, key_set in sorted(self._key_sets.items()):
            family.add_metric((hashed(issuer), self._identity, key_set), 1)
        yield family


class _Infos(Collector):
    def __init__(self, metrics: AuthenticationMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics.infos()
