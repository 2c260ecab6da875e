"""How long until a changed binding is in effect, as clients see it over HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time

from bench.cases import Measurements
from bench.load import Endpoint
from bench.session import Session
from bench.settings import Settings
from bench.target import Target

CONNECTIONS = 8
"""Of the user who is bound, over all workers."""
CHANGES_A_SECOND = 20
"""Of ``Settings.seconds``: how many changes are made."""

_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_GROUP = "rbac.authorization.k8s.io"
_BINDING = {
    "metadata": {"name": "bench-effect"},
    "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": "bench-effect"}],
}
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_REVIEW = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}}}


async def effect(target: Target, settings: Settings) -> Measurements:
    """Bind and unbind a user again and again, who asks all the time on several connections.

    Told are the time from sending the change to the last connection's first answer by it, that
    from its acknowledgement, and how many answers to requests sent after the acknowledgement were
    still by the old state.
    """
    endpoint = Endpoint.of(target)
    writer = await Session.open(endpoint)
    bound = dataclasses.replace(
        endpoint, headers=f"{endpoint.headers}Impersonate-User: bench-effect\r\n"
    )
    asking = bound.send("POST", _REVIEWS, json.dumps(_REVIEW).encode())
    readers = [await Session.open(bound) for _ in range(CONNECTIONS)]
    await writer.ask(endpoint.send("DELETE", f"{_BINDINGS}/bench-effect", b""))
    whole: list[float] = []
    after: list[float] = []
    stale = 0
    for number in range(max(10, int(settings.seconds * CHANGES_A_SECOND))):
        allowed = number % 2 == 0
        if allowed:
            change = endpoint.send("POST", _BINDINGS, json.dumps(_BINDING).encode())
        else:
            change = endpoint.send("DELETE", f"{_BINDINGS}/bench-effect", b"")
        change_at = time.perf_counter()
        acknowledged: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        waits = [
            asyncio.ensure_future(_until(reader, asking, acknowledged, allowed=allowed))
            for reader in readers
        ]
        status, _ = await writer.ask(change)
        acknowledged.set_result(time.perf_counter())
        assert status in (200, 201), status
        seen = await asyncio.gather(*waits)
        last = max(at for at, _ in seen)
        whole.append(last - change_at)
        after.append(max(last - acknowledged.result(), 0.0))
        stale += sum(late for _, late in seen)
    for session in (writer, *readers):
        session.close()
    return {
        **_told("binding changed, from request to effect", whole),
        **_told("binding changed, from answer to effect", after),
        "binding changed, answers by the old state after it": float(stale),
    }


async def _until(
    reader: Session, asking: bytes, acknowledged: asyncio.Future[float], *, allowed: bool
) -> tuple[float, int]:
    """When the new state was first answered by, and how many answers were late with it."""
    late = 0
    while True:
        sent_after = acknowledged.done()
        status, body = await reader.ask(asking)
        assert status == 201, status
        if (b'"allowed":true' in body) == allowed:
            return time.perf_counter(), late
        late += sent_after


def _told(name: str, delays: list[float]) -> Measurements:
    ordered = sorted(delays)
    return {
        f"{name} p50 ms": ordered[len(ordered) // 2] * 1000,
        f"{name} p99 ms": ordered[int(len(ordered) * 0.99)] * 1000,
    }
