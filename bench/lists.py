"""Lists of many Secrets in every form, by one client at a time and by several at once."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from bench.cases import SECRETS, Measurements, fill, make_namespace
from bench.load import Endpoint, Outcome, for_seconds, run_load
from bench.session import Session
from bench.settings import Settings
from bench.target import Target, cpu_seconds, family, peak_bytes, reset_peak, resident_bytes
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF

FORMS = {
    "full": "application/json",
    "full, protobuf": PROTOBUF,
    "metadata": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "metadata, protobuf": f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "Table": "application/json;as=Table;g=meta.k8s.io;v=v1",
}
"""What clients say they accept, by the name of the measurement."""

_CLIENTS = 8
_CONTINUE = re.compile(rb'"continue":"([^"]+)"')


async def large_lists(target: Target, settings: Settings) -> Measurements:
    """Lists of ``settings.secrets`` Secrets: whole in each form, in pages, and what they hold."""
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    count = settings.secrets
    await fill(endpoint, "large", count, 64)
    result: Measurements = {}
    for form, accept in FORMS.items():
        request = endpoint.get(SECRETS, accept)
        outcome = await run_load(
            endpoint,
            2,
            for_seconds(settings.seconds / 2, lambda r=request: r),  # type: ignore[misc]  # the default binds the loop's value
        )
        result |= told(f"list {count:,} {form}", outcome)
    paged = await pages(endpoint, settings.seconds / 2, SECRETS)
    result |= told(f"list {count:,} in pages of 500", paged)
    if target.pid:
        result |= await _held(endpoint, target.pid, count)
    return result


def told(name: str, outcome: Outcome) -> Measurements:
    """Rate and processor time. Raises SystemExit when anything failed."""
    if outcome.failures:
        raise SystemExit(f"bench: {outcome.failures} times failed: {name}")
    return {f"{name}/s": outcome.rate, f"{name} server CPU us": outcome.server_us}


async def _repeated(
    endpoint: Endpoint, seconds: float, act: Callable[[Endpoint, Session], Awaitable[None]]
) -> Outcome:
    session = await Session.open(endpoint)
    outcome = Outcome(0.0)
    began, cpu = time.perf_counter(), cpu_seconds(endpoint.pid)
    while not outcome.latencies or time.perf_counter() < began + seconds:
        at = time.perf_counter()
        await act(endpoint, session)
        outcome.latencies.append(time.perf_counter() - at)
    outcome.seconds = time.perf_counter() - began
    outcome.server_cpu = cpu_seconds(endpoint.pid) - cpu
    session.close()
    return outcome


async def pages(endpoint: Endpoint, seconds: float, listed: str) -> Outcome:
    """The whole list at a path in pages of 500, again and again."""

    async def whole(endpoint: Endpoint, session: Session) -> None:
        await _all_pages(endpoint, session, listed)

    return await _repeated(endpoint, seconds, whole)


async def _all_pages(endpoint: Endpoint, session: Session, listed: str) -> None:
    following = ""
    while True:
        path = f"{listed}?limit=500{following}"
        status, body = await session.ask(endpoint.get(path))
        if status != 200:
            raise SystemExit(f"bench: a page was answered with {status}")
        found = _CONTINUE.search(body, 0, 2000)
        if found is None:
            return
        following = f"&continue={found[1].decode()}"


async def _held(endpoint: Endpoint, pid: int, count: int) -> Measurements:
    """The peak of memory above what is held at rest, while clients take the whole list at once."""
    sessions = [await Session.open(endpoint) for _ in range(_CLIENTS)]
    before = resident_bytes(pid)
    members = family(pid)
    reset_peak(members)
    at_rest = peak_bytes(members)
    await asyncio.gather(*(session.ask(endpoint.get(SECRETS)) for session in sessions))
    peak = peak_bytes(members) - at_rest
    for session in sessions:
        session.close()
    return {
        f"list {count:,} by {_CLIENTS} at once: peak MB": peak / 1e6,
        f"list {count:,} by {_CLIENTS} at once: MB kept": (resident_bytes(pid) - before) / 1e6,
    }
