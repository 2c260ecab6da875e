"""Priority and fairness: who waits behind whom, who never waits, who is turned away."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.access.user import User
from strongroom.server import fairness as module
from strongroom.server.fairness import Fairness, Flow, Overloaded
from strongroom.server.levels import is_probe, level_of
from strongroom.server.request import Body, ClientGone, Request
from strongroom.server.urls import parse_target
from tests.server.conftest import running

SECRETS = parse_target("GET", b"/api/v1/secrets", b"")
LEASE = parse_target(
    "PUT", b"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", b""
)
MASTER = User("admin", groups=("system:masters",))
NODE = User("system:node:n", groups=("system:nodes",))
ACCOUNT = User("system:serviceaccount:a:b", groups=("system:serviceaccounts",))


def user(name: str) -> User:
    return User(name, groups=("system:authenticated",))


def request(size: int = 0) -> Request:
    made = Request("GET", b"/", b"", {"content-length": str(size)})
    if size:
        made.incoming = Body(lambda: None)
    return made


def frozen() -> Callable[[], float]:
    """A loop whose time stands still: all that happens is within one turn."""
    return lambda: 1.0


def flow_of(fairness: Fairness, who: User) -> Flow:
    flow = fairness.flow(who, SECRETS)
    assert flow is not None
    return flow


@pytest.mark.parametrize(
    ("who", "target", "level"),
    [
        (MASTER, SECRETS, "exempt"),
        (NODE, SECRETS, "system"),
        (NODE, LEASE, "node-high"),
        (User("system:kube-scheduler"), SECRETS, "workload-high"),
        (User("system:kube-scheduler"), LEASE, "leader-election"),
        (ACCOUNT, LEASE, "workload-low"),
        (user("jane"), SECRETS, "global-default"),
        (User("system:anonymous"), SECRETS, "catch-all"),
    ],
)
def test_levels(who: User, target: object, level: str) -> None:
    assert level_of(who, target).name == level  # type: ignore[arg-type]  # targets, made above


@pytest.mark.parametrize("path", ["/livez", "/readyz/etcd", "/healthz"])
async def test_health_checks_never_wait(path: str) -> None:
    assert Fairness(600).flow(user("x"), parse_target("GET", path.encode(), b"")) is None


def test_what_only_looks_like_a_health_check_does() -> None:
    assert not any(is_probe(path) for path in ("/livezz", "/api/livez", "/"))


async def test_masters_and_a_server_without_limits_never_wait() -> None:
    assert Fairness(600).flow(MASTER, SECRETS) is None
    assert Fairness(0).flow(user("x"), SECRETS) is None


class Work:
    """Requests of several users, and the order in which they were begun."""

    def __init__(self, fairness: Fairness) -> None:
        self.fairness = fairness
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(
        self, name: str, times: int, *, sent: int = 0, hold: asyncio.Event | None = None
    ) -> None:
        flow = flow_of(self.fairness, user(name))
        for _ in range(times):
            self.tasks.append(asyncio.create_task(self._one(name, flow, sent, hold)))

    async def _one(self, name: str, flow: Flow, sent: int, hold: asyncio.Event | None) -> None:
        await self.fairness.enter(flow, request(), "list")
        self.begun.append(name)
        if hold is not None:
            await hold.wait()
        self.fairness.leave(flow, "list", 0, sent)

    async def done(self) -> list[str]:
        await asyncio.gather(*self.tasks)
        return self.begun


async def test_a_flood_waits_behind_itself() -> None:
    """One user's 250 requests fill the turn; another's single one is in the next turn's first."""
    work = Work(Fairness(6000, now=frozen()))
    work.ask("flood", 250)
    work.ask("quiet", 1)
    begun = await work.done()
    in_one_turn = round(module.TURN / 60e-6)
    assert begun[:in_one_turn] == ["flood"] * in_one_turn
    assert begun.index("quiet") <= in_one_turn + 2


async def test_turns_are_taken_by_what_work_costs() -> None:
    """Who asks for large lists gets fewer turns than who asks for small ones."""
    fairness = Fairness(6000, now=frozen())
    for name, sent in (("large", 5_000_000), ("small", 0)):
        flow = flow_of(fairness, user(name))
        await fairness.enter(flow, request(), "list")
        fairness.leave(flow, "list", 0, sent)
    fairness._spent = module.TURN  # the turn is full: everybody waits
    work = Work(fairness)
    work.ask("large", 20, sent=5_000_000)
    work.ask("small", 100)
    begun = await work.done()
    assert begun[:100].count("large") <= 3


async def test_seats_are_limited_and_given_back() -> None:
    fairness = Fairness(600, now=asyncio.get_running_loop().time)
    hold = asyncio.Event()
    work = Work(fairness)
    seats = flow_of(fairness, user("a")).level.seats
    work.ask("a", seats + 5, hold=hold)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(work.begun) == seats
    hold.set()
    assert len(await work.done()) == seats + 5
    assert all((lv.executing, lv.waiting) == (0, 0) for lv in fairness.levels)


async def saturated() -> tuple[Fairness, Work, asyncio.Event]:
    """A server whose seats at the level of users are all taken."""
    fairness, hold = Fairness(1, now=asyncio.get_running_loop().time), asyncio.Event()
    work = Work(fairness)
    work.ask("busy", 1, hold=hold)
    await asyncio.sleep(0)
    return fairness, work, hold


async def test_too_long_a_queue_turns_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FLOW_WAITING", 3)
    fairness, work, hold = await saturated()
    work.ask("flood", 3)
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="queue-full"):
        await fairness.enter(flow_of(fairness, user("flood")), request(), "get")
    work.ask("other", 1)
    hold.set()
    assert sorted(await work.done()) == ["busy", "flood", "flood", "flood", "other"]


async def test_a_full_level_makes_room_at_the_longest_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LEVEL_WAITING", 5)
    fairness, work, hold = await saturated()
    work.ask("flood", 5)
    await asyncio.sleep(0)
    work.ask("other", 1)
    await asyncio.sleep(0)
    hold.set()
    results = await asyncio.gather(*work.tasks, return_exceptions=True)
    assert [type(r) for r in results if r is not None] == [Overloaded]
    assert sorted(work.begun) == ["busy", *["flood"] * 4, "other"]
    rejected = {lv.spec.name: lv.rejected for lv in fairness.levels if lv.rejected}
    assert rejected == {"global-default": {"queue-full": 1}}


async def test_a_client_that_goes_leaves_its_place() -> None:
    fairness, work, hold = await saturated()
    flow, asked = flow_of(fairness, user("gone")), request()
    waiting = asyncio.create_task(fairness.enter(flow, asked, "get"))
    await asyncio.sleep(0)
    assert asked.leave is not None
    asked.leave()
    with pytest.raises(ClientGone):
        await waiting
    assert flow.level.waiting == 0
    hold.set()
    await work.done()


async def test_a_request_cancelled_as_it_is_called_takes_no_seat() -> None:
    fairness, work, hold = await saturated()
    flow = flow_of(fairness, user("late"))
    waiting = asyncio.create_task(fairness.enter(flow, request(), "get"))
    await asyncio.sleep(0)
    hold.set()
    for _ in range(20):
        if flow.waiting:
            await asyncio.sleep(0)
    assert not flow.waiting
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await work.done()
    assert flow.level.executing == 0


async def test_who_waits_too_long_is_turned_away() -> None:
    now = [0.0]
    fairness, hold = Fairness(1, now=lambda: now[0]), asyncio.Event()
    work = Work(fairness)
    work.ask("busy", 1, hold=hold)
    await asyncio.sleep(0)
    waiting = asyncio.create_task(fairness.enter(flow_of(fairness, user("w")), request(), "get"))
    await asyncio.sleep(0)
    now[0] = module.MAX_WAIT - 1
    await fairness.expire()
    assert not waiting.done()
    now[0] = module.MAX_WAIT + 1
    await fairness.expire()
    with pytest.raises(Overloaded, match="time-out"):
        await waiting
    hold.set()
    await work.done()


async def test_bodies_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FLOW_UPLOADS", 1000)
    fairness = Fairness(600)
    flow, first = flow_of(fairness, user("u")), request(600)
    uploading = asyncio.create_task(fairness.receive(flow, first))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await fairness.receive(flow, request(600))
    assert first.incoming is not None
    first.incoming.feed(bytes(600))
    first.incoming.end()
    await uploading
    assert flow.uploads == 0


async def test_watches_are_counted_by_user() -> None:
    fairness = Fairness(600, max_watches=2)
    flow = flow_of(fairness, user("w"))
    fairness.watch(flow)
    fairness.watch(flow)
    with pytest.raises(Overloaded):
        fairness.watch(flow)
    fairness.watch(flow_of(fairness, user("other")))
    fairness.unwatch(flow)
    fairness.watch(flow)


async def test_users_who_want_nothing_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FLOWS", 10)
    fairness = Fairness(600, max_watches=5)
    watching = flow_of(fairness, user("watching"))
    fairness.watch(watching)
    for number in range(50):
        flow_of(fairness, user(f"u{number}"))
    assert len(fairness._flows) <= 11
    assert flow_of(fairness, user("watching")) is watching


async def test_an_overloaded_server_says_so(tmp_path: Path) -> None:
    """Over the wire, to a user who wants more than is given."""
    own = "/api/v1/nodes?fieldSelector=metadata.name%3Dn1"
    nodes = f"{own}&watch=1"
    async with running(tmp_path, "--max-watches-per-user", "1") as api:
        async with api.session("node").get(nodes) as first:
            assert first.status == 200
            answer = await api.ask("GET", nodes, identity="node")
            assert (answer.code, answer.headers["Retry-After"]) == (429, "1")
            assert answer.body == b"Too many requests, please try again later.\n"
            # Its other requests, and those of others, are served.
            assert (await api.ask("GET", own, identity="node")).code == 200
            metrics = (await api.ask("GET", "/metrics")).body.decode()
        rejected = 'apiserver_flowcontrol_rejected_requests_total{flow_schema="system-node-high",'
        assert f'{rejected}priority_level="node-high",reason="concurrency-limit"}} 1.0' in metrics
        assert 'dispatched_requests_total{flow_schema="system-node-high"' in metrics
        assert 'executing_requests{flow_schema="system-node-high",' in metrics
        assert 'apiserver_flowcontrol_nominal_limit_seats{priority_level="system"} 74.0' in metrics
        codes = []
        for _ in range(200):
            codes.append((await api.ask("GET", f"{nodes}&timeoutSeconds=1", identity="node")).code)
            if codes[-1] == 200:
                break
            await asyncio.sleep(0.05)
        assert codes[-1] == 200
