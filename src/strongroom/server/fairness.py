"""Priority and fairness: whose request is worked on next when there is more than can be done.

Requests are worked on in one thread, so what is scarce is its time, and beside it seats: requests
under way at once, which mostly wait for the store. While neither is scarce a request just takes a
seat. Else it waits in its user's queue, and the queues take turns by what their work has cost so
far (start-time fair queueing, over levels by their shares and within a level over users). So a
flood waits behind itself: whoever asks for little is served at the next turn.

Upstream reckons with seats alone (``k8s.io/apiserver/pkg/util/flowcontrol``); its names are kept.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from strongroom.access.user import User
from strongroom.server.kept import Kept
from strongroom.server.levels import LEVELS, SPECIAL, LevelSpec, is_probe, level_of
from strongroom.server.request import MAX_BODY, ClientGone, Request, int_header
from strongroom.server.resting import BURST, Resting
from strongroom.server.urls import Target

TURN = 0.005
"""Seconds of work that are begun in one turn of the event loop while others wait."""

MIXED = 1.0
"""Seconds for which it is remembered that more than one flow asks for something."""

MAX_WAIT = 15.0
"""Seconds a request may wait: a quarter of its time, as upstream."""

MAX_FLOW_WAITING = 300
MAX_LEVEL_WAITING = 3200
"""Requests that may wait, of a user and of a level: upstream's queues times their length."""

MAX_UPLOADS = 512 * 1024 * 1024
MAX_FLOW_UPLOADS = 128 * 1024 * 1024
"""Bytes of bodies that may be held for requests not yet begun, of all and of a user."""

_READ, _WRITE = 60e-6, 600e-6
_SENT, _TAKEN = 2e-9, 30e-9
"""Seconds that work costs: of a read, of a write, of a byte answered and of a byte of a body."""

_MAX_FLOWS = 4096


class Overloaded(Exception):
    """The request is turned away, for upstream's ``reason``; it may come again in a second."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Level:
    """A priority level at work."""

    def __init__(self, spec: LevelSpec, seats: int) -> None:
        self.spec = spec
        self.seats = seats
        self.executing = self.waiting = self.dispatched = 0
        self.rejected: dict[str, int] = {}
        self.clock = 0.0
        """Virtual time: where the flow last served began. New flows begin here, not in the past."""
        self.served = 0.0
        """The level's own place among the levels."""
        self.order: list[tuple[float, int, Flow]] = []
        """Flows with waiting requests, by where they begin: a heap."""


class Flow:
    """One user's requests of one level."""

    __slots__ = (
        "burst",
        "costs",
        "done",
        "level",
        "lined_up",
        "turn",
        "uploads",
        "waiting",
        "watches",
    )

    def __init__(self, level: Level) -> None:
        self.level = level
        self.done = 0.0
        """Virtual time up to which its work is paid for."""
        self.waiting: deque[Waiting] = deque()
        self.costs: dict[str, float] = {}
        """What the last request of each verb cost, in seconds."""
        self.uploads = self.watches = 0
        self.lined_up = False
        """Whether it is in its level's order."""
        self.turn, self.burst = 0.0, 0
        """When it began to ask, within the last ``TURN``, and how often it has since."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A request in its queue."""

    flow: Flow
    cost: float
    since: float
    turn: asyncio.Future[None]


class Fairness:
    """The seats and the queues. ``seats`` of 0 takes every limit away.

    ``now`` is the event loop's time, which stands still within a turn (uvloop).
    """

    def __init__(
        self,
        seats: int,
        *,
        max_watches: int = 0,
        now: Callable[[], float] | None = None,
    ) -> None:
        shares = sum(spec.shares for spec in LEVELS)
        self._levels = {s: Level(s, max(-(-seats * s.shares // shares), 1)) for s in LEVELS}
        self._limited = seats > 0
        self._max_watches = max_watches
        self._now = now or asyncio.get_running_loop().time
        self._flows: dict[tuple[LevelSpec, str], Flow] = {}
        self._by_user: Kept[User, dict[str, Flow]] = Kept(lambda _: {})
        self._turn = self._spent = 0.0
        self._waiting = self._uploads = 0
        self._scheduled = False
        self._sequence = count()
        self._resting = Resting()
        self._last: Flow | None = None
        self._mixed = 0.0
        """Until when nobody is to take all of the turns."""

    @property
    def levels(self) -> list[Level]:
        """All levels, for the metrics."""
        return list(self._levels.values())

    def flow(self, user: User, target: Target) -> Flow | None:
        """The flow of a request; None for one that never waits."""
        if not self._limited:
            return None
        known = self._by_user.of(user)
        special = target.resource if target.resource in SPECIAL else ""
        flow = known.get(special)
        if flow is None:
            flow = known[special] = self._flow(level_of(user, target), user.name)
        exempt = flow.level.spec.exempt or (not target.is_resource and is_probe(target.path))
        now = self._now()
        if flow is not self._last or exempt:
            self._last, self._mixed = flow, now + MIXED
        if exempt:
            return None
        if now - flow.turn >= TURN:
            flow.turn, flow.burst = now, 0
        flow.burst += 1
        return flow

    def rest(self, flow: Flow) -> Callable[[Callable[[], None]], None] | None:
        """How a connection is to be left alone after this answer; None: it need not be.

        That is so when its flow has asked often within a few milliseconds, and others ask too. The
        function takes what is to be called when it is time to read on.
        """
        if flow.burst <= BURST or self._mixed < flow.turn:
            return None
        return partial(self._resting.park, flow)

    async def receive(self, flow: Flow, request: Request) -> None:
        """Let the body come; its place in memory is bounded. Raises Overloaded, StatusError."""
        if request.incoming is None:
            return
        size = min(int_header(request.headers, "content-length") or MAX_BODY, MAX_BODY)
        if flow.uploads + size > MAX_FLOW_UPLOADS or self._uploads + size > MAX_UPLOADS:
            raise self._rejected(flow, "queue-full")
        flow.uploads += size
        self._uploads += size
        try:
            await request.receive()
        finally:
            flow.uploads -= size
            self._uploads -= size

    async def enter(self, flow: Flow, request: Request, verb: str) -> None:
        """Take a seat, at once or in turn. Raises Overloaded, and ClientGone."""
        level = flow.level
        cost = flow.costs.get(verb) or (_READ if verb in ("get", "list", "watch") else _WRITE)
        now = self._now()
        if now != self._turn:
            self._turn, self._spent = now, 0.0
        if self._waiting or self._spent >= TURN or level.executing >= level.seats:
            await self._wait(flow, request, cost, now)
            return
        start = max(level.clock, flow.done)
        level.clock, flow.done = start, start + cost
        self._begin(level, cost)

    def leave(self, flow: Flow, verb: str, taken: int, sent: int) -> None:
        """Give the seat back. ``taken`` and ``sent`` are the sizes of body and answer."""
        base = _READ if verb in ("get", "list", "watch") else _WRITE
        cost = base + taken * _TAKEN + sent * _SENT
        flow.done += cost - flow.costs.get(verb, base)
        flow.costs[verb] = cost
        flow.level.executing -= 1
        if self._waiting:
            self._schedule()

    def watch(self, flow: Flow | None) -> None:
        """Count a watch that is open. Raises Overloaded."""
        if flow is not None:
            if self._max_watches and flow.watches >= self._max_watches:
                raise self._rejected(flow, "concurrency-limit")
            flow.watches += 1

    def unwatch(self, flow: Flow | None) -> None:
        """A watch is over."""
        if flow is not None:
            flow.watches -= 1

    async def expire(self) -> None:
        """Turn away who has waited too long; called every second or so."""
        if not self._waiting:
            return
        latest = self._now() - MAX_WAIT
        for flow in list(self._flows.values()):
            while flow.waiting and flow.waiting[0].since < latest:
                self._turn_away(flow.waiting[0], "time-out")
        self._schedule()

    # --- waiting ---

    async def _wait(self, flow: Flow, request: Request, cost: float, now: float) -> None:
        level = flow.level
        if len(flow.waiting) >= MAX_FLOW_WAITING:
            raise self._rejected(flow, "queue-full")
        if level.waiting >= MAX_LEVEL_WAITING:
            self._make_room(flow)
        turn = asyncio.get_running_loop().create_future()
        waiting = Waiting(flow, cost, now, turn)
        if not self._waiting:
            # What was done while there was enough for all is nobody's debt.
            for each in self.levels:
                each.served = 0.0
        elif not level.waiting:
            level.served = max(level.served, min(lv.served for lv in self.levels if lv.waiting))
        flow.waiting.append(waiting)
        level.waiting += 1
        self._waiting += 1
        if not flow.lined_up:
            self._line_up(flow)
        self._schedule()
        request.leave = lambda: self._abandon(waiting)
        try:
            await turn
        except asyncio.CancelledError:
            self._abandon(waiting)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It was called and cancelled in the same turn: the seat is another's.
                level.executing -= 1
                self._schedule()
            raise
        finally:
            request.leave = None

    def _line_up(self, flow: Flow) -> None:
        flow.lined_up = True
        start = max(flow.done, flow.level.clock)
        heapq.heappush(flow.level.order, (start, next(self._sequence), flow))

    def _make_room(self, newcomer: Flow) -> None:
        """Turn away the last request of the longest queue, which may be the newcomer itself."""
        level = newcomer.level
        longest = max((flow for _, _, flow in level.order), key=lambda flow: len(flow.waiting))
        if len(longest.waiting) <= len(newcomer.waiting) + 1:
            raise self._rejected(newcomer, "queue-full")
        self._turn_away(longest.waiting[-1], "queue-full")

    def _turn_away(self, waiting: Waiting, reason: str) -> None:
        self._remove(waiting)
        if not waiting.turn.done():
            waiting.turn.set_exception(self._rejected(waiting.flow, reason))

    def _abandon(self, waiting: Waiting) -> None:
        """The client has gone: its place is free."""
        if waiting in waiting.flow.waiting:
            self._remove(waiting)
        if not waiting.turn.done():
            waiting.turn.set_exception(ClientGone())

    def _remove(self, waiting: Waiting) -> None:
        flow = waiting.flow
        flow.waiting.remove(waiting)
        flow.level.waiting -= 1
        self._waiting -= 1

    # --- taking turns ---

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        """Begin a turn's worth of what waits. What is left over waits for the next turn."""
        self._scheduled = False
        self._turn, self._spent = self._now(), 0.0
        while self._waiting and self._spent < TURN:
            ready = [lv for lv in self.levels if lv.waiting and lv.executing < lv.seats]
            if not ready:
                return  # until somebody gives a seat back
            level = min(ready, key=lambda lv: lv.served)
            self._serve_next(level)
        if self._waiting:
            self._schedule()

    def _serve_next(self, level: Level) -> None:
        start, _, flow = heapq.heappop(level.order)
        flow.lined_up = False
        if not flow.waiting:
            return  # they left
        waiting = flow.waiting.popleft()
        level.waiting -= 1
        self._waiting -= 1
        level.clock = max(start, level.clock)
        flow.done = max(start, flow.done) + waiting.cost
        if flow.waiting:
            self._line_up(flow)
        if waiting.turn.done():
            return
        self._begin(level, waiting.cost)
        waiting.turn.set_result(None)

    def _begin(self, level: Level, cost: float) -> None:
        level.executing += 1
        level.dispatched += 1
        self._spent += cost
        level.served += cost / level.spec.shares

    def _flow(self, spec: LevelSpec, name: str) -> Flow:
        flow = self._flows.get((spec, name))
        if flow is None:
            if len(self._flows) >= _MAX_FLOWS:
                self._forget_idle()
            flow = self._flows[spec, name] = Flow(self._levels[spec])
        return flow

    def _forget_idle(self) -> None:
        """Drop the flows of users who want nothing; nobody's debt is forgotten before its time."""
        self._by_user.clear()
        self._flows = {
            key: flow
            for key, flow in self._flows.items()
            if flow.waiting or flow.watches or flow.uploads or flow.done > flow.level.clock
        }

    def _rejected(self, flow: Flow, reason: str) -> Overloaded:
        rejected = flow.level.rejected
        rejected[reason] = rejected.get(reason, 0) + 1
        return Overloaded(reason)
