"""What each encryption provider costs: for a value alone, and for a request of the server.

Plugins are real ones, on a unix socket, in this process for values and in their own for the server;
of KMS v2 it is asked once and then every minute, of KMS v1 once for each value that is written.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from bench.cases import SECRETS, Measurements, fill, make_namespace, secret
from bench.load import Endpoint, for_seconds, run_load
from bench.settings import Settings
from bench.target import Target, own
from strongroom.server.encryption.configuration import EncryptionConfiguration, read_encryption
from strongroom.server.encryption.ownkey import KMS_NAME
from strongroom.server.encryption.providers import Providers
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.port import Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer

Run = Callable[[Coroutine[Any, Any, Measurements]], Measurements]

OWN = "own key"
"""The default: no configuration."""

SIZES = (1024, 64 * 1024)
_WHERE = b"/registry/secrets/bench/one"
_TURNS = 5
_SLICE = 16


def providers(settings: Settings, run: Run) -> Measurements:
    """Microseconds a value, and a request."""
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch,
        plugins(Path(scratch)) as configured,
    ):
        result = of_values(Path(scratch), configured, settings.seconds)
        result |= of_requests(configured, settings.seconds, run)
    return result


@contextlib.contextmanager
def plugins(scratch: Path) -> Iterator[dict[str, Path]]:
    """The configuration of each provider, with the plugins that they name running."""
    # gRPC is for those who measure this.
    from bench.plugin_v1 import serve_v1
    from strongroom.storage.encryption.plugin_server import KMSServer

    v2, v1 = scratch / "v2.sock", scratch / "v1.sock"
    ring = KeyRing.create(scratch / "plugin.key")
    server = KMSServer(ring, v2)
    key = {"name": "one", "secret": base64.b64encode(os.urandom(32)).decode()}
    kms = {"timeout": "20s", "name": "bench"}
    found: dict[str, dict[str, Any]] = {
        "identity": {"identity": {}},
        "aescbc": {"aescbc": {"keys": [key]}},
        "aesgcm": {"aesgcm": {"keys": [key]}},
        "secretbox": {"secretbox": {"keys": [key]}},
        "kms v1": {"kms": {"apiVersion": "v1", "endpoint": f"unix://{v1}", **kms}},
        "kms v2": {"kms": {"apiVersion": "v2", "endpoint": f"unix://{v2}", **kms}},
    }
    try:
        with serve_v1(v1):
            yield {name: _written(scratch, name, provider) for name, provider in found.items()}
    finally:
        server.stop(0)


def _written(scratch: Path, name: str, provider: dict[str, Any]) -> Path:
    path = scratch / f"{name.replace(' ', '')}.yaml"
    made = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["*.*"], "providers": [provider, {"identity": {}}]}],
    }
    path.write_text(json.dumps(made))
    return path


def of_values(scratch: Path, configured: dict[str, Path], seconds: float) -> Measurements:
    """Each provider in turns, the least disturbed turn of each."""
    ring = KeyRing.create(scratch / "own.key")
    local = KMSTransformer(KMS_NAME, ring)
    transformers: dict[str, Transformer] = {OWN: PrefixTransformer([(local.prefix, local)])}
    made = [Providers(_read(path)) for path in configured.values()]
    for name, one in zip(configured, made, strict=True):
        for plugged in one.plugged:
            plugged.check()
        transformers[name] = one.choose("secrets")
    best: Measurements = {}
    each = seconds / _TURNS / 4
    for _, size in itertools.product(range(_TURNS), SIZES):
        value = os.urandom(size)
        for name, transformer in transformers.items():
            sealed = transformer.to_storage(value, context=_WHERE)
            write = _each(lambda t=transformer, v=value: t.to_storage(v, context=_WHERE), each)  # type: ignore[misc]  # the defaults bind the loop's values
            read = _each(lambda t=transformer, s=sealed: t.from_storage(s, context=_WHERE), each)  # type: ignore[misc]  # the same
            for what, us in (("write", write), ("read", read)):
                told = f"{name}, us to {what} {size // 1024} KB"
                best[told] = min(us, best.get(told, us))
    for one in made:
        one.close()
    return dict(sorted(best.items(), key=lambda told: told[0].split(", us to ")[1]))


def _read(path: Path) -> EncryptionConfiguration:
    return read_encryption(path.read_bytes())


def _each(act: Callable[[], object], seconds: float) -> float:
    """Microseconds a call: of its slices of a few calls the least disturbed one."""
    end, best = time.perf_counter() + seconds, float("inf")
    while best == float("inf") or time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(_SLICE):
            act()
        best = min(best, time.perf_counter() - began)
    return best / _SLICE * 1e6


def of_requests(configured: dict[str, Path], seconds: float, run: Run) -> Measurements:
    """Creates and uncached reads through servers that take turns, the best turn of each."""
    with contextlib.ExitStack() as stack:
        targets = {OWN: stack.enter_context(own(False))}
        for name, path in configured.items():
            argument = "--encryption-provider-config"
            targets[name] = stack.enter_context(own(False, argument, str(path)))
        return run(loads(targets, seconds))


async def loads(targets: dict[str, Target], seconds: float) -> Measurements:
    """Of servers by what encrypts for them."""
    numbers = itertools.count()
    for target in targets.values():
        await make_namespace(target)
        await fill(Endpoint.of(target), "kept", 8)
    best: Measurements = {}
    for _ in range(_TURNS):
        for name, target in targets.items():
            endpoint = Endpoint.of(target)

            def create(endpoint: Endpoint = endpoint) -> bytes:
                return endpoint.send("POST", SECRETS, secret(f"p-{next(numbers):07}"))

            one = endpoint.get(f"{SECRETS}/kept-000000")
            for what, request in (("create", create), ("get", lambda one=one: one)):
                outcome = await run_load(endpoint, 8, for_seconds(seconds / _TURNS, request))
                if outcome.failures:
                    raise SystemExit(f"bench: {outcome.failures} requests failed with {name}")
                told = f"{what} server CPU us, {name}"
                best[told] = min(outcome.server_us, best.get(told, outcome.server_us))
    return dict(sorted(best.items(), key=lambda told: told[0].split(",")[0]))
