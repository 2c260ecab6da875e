"""Startup, readiness and liveness: asking a running container how it is, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from strongroom.node.handlers import HandlerFailed, run_probe
from strongroom.node.surroundings import Surroundings
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_probe import Probe


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What is now known: whether the container has started and is ready.

    ``unhealthy`` is the text of a failure just seen; ``restart`` names the kind of the probe
    (``liveness`` or ``startup``) whose failures call for a restart.
    """

    started: bool
    ready: bool
    unhealthy: str = ""
    restart: str = ""


class Prober:
    """The probes of one attempt of one container; ``tell`` receives each change and failure."""

    def __init__(
        self,
        container: Container,
        container_id: str,
        around: Surroundings,
        tell: Callable[[ProbeResult], None],
    ) -> None:
        self._container = container
        self._container_id = container_id
        self._around = around
        self._tell = tell
        self._started = container.startupProbe is None
        self._ready = self._started and container.readinessProbe is None
        self._up = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> bool:
        """Begin, if the container has any probe; whether it has."""
        given = self._container
        if given.startupProbe is not None:
            self._spawn("startup", given.startupProbe)
        else:
            self._up.set()
        if given.readinessProbe is not None:
            self._spawn("readiness", given.readinessProbe)
        if given.livenessProbe is not None:
            self._spawn("liveness", given.livenessProbe)
        return bool(self._tasks)

    def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, kind: str, probe: Probe) -> None:
        self._tasks.append(asyncio.create_task(self._run(kind, probe)))

    async def _run(self, kind: str, probe: Probe) -> None:
        if kind != "startup":
            await self._up.wait()
        await self._around.sleep(float(probe.initialDelaySeconds))
        good = bad = 0
        while True:
            problem = await self._ask(probe)
            good, bad = (0, bad + 1) if problem else (good + 1, 0)
            if problem:
                self._say(unhealthy=f"{kind.capitalize()} probe failed: {problem}")
            if good >= (probe.successThreshold or 1) and self._passed(kind):
                return
            if bad >= (probe.failureThreshold or 3) and self._failed(kind):
                return
            await self._around.sleep(float(probe.periodSeconds or 10))

    async def _ask(self, probe: Probe) -> str:
        """Empty when all is well, else what is not."""
        try:
            await run_probe(
                probe,
                self._container,
                self._container_id,
                runtime=self._around.runtime,
                address=self._around.node.addresses[0],
            )
        except HandlerFailed as error:
            return str(error)
        return ""

    def _passed(self, kind: str) -> bool:
        """Note a success; whether this kind of probe has done its work for good."""
        if kind == "startup":
            self._started = True
            self._ready = self._container.readinessProbe is None
            self._up.set()
            self._say()
            return True
        if kind == "readiness" and not self._ready:
            self._ready = True
            self._say()
        return False

    def _failed(self, kind: str) -> bool:
        """Note enough failures in a row; whether the container is to be restarted."""
        if kind == "readiness":
            if self._ready:
                self._ready = False
                self._say()
            return False
        self._say(restart=kind)
        return True

    def _say(self, *, unhealthy: str = "", restart: str = "") -> None:
        self._tell(ProbeResult(self._started, self._ready, unhealthy, restart))
