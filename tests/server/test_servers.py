"""Several servers on one etcd: what they share, who leads, and what is seen through each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from strongroom.access.authn.keys import make_key, verification_keys
from strongroom.server.certificates import make_ca
from strongroom.server.ground import StartError
from strongroom.server.membership import LEADER
from strongroom.server.others import Told, servers_of
from strongroom.server.pki import PKI
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.places import UP
from tests.etcd import Etcd
from tests.server.conftest import SECRETS, Answer, Running, running, secret
from tests.server.custom import DEFINITIONS, V1, definition
from tests.server.custom import NAME as CRONTABS
from tests.server.fleet import Connection, FleetServer, connections, start

pytestmark = pytest.mark.needs("etcd")
OPERATIONS = "/apis/strongroom.io/v1alpha1/encryptionoperations"
SERVICES = "/api/v1/namespaces/default/services"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/me/token"


@pytest.fixture
async def etcd(tmp_path: Path) -> AsyncIterator[Etcd]:
    member = Etcd(tmp_path / "etcd", "--unsafe-no-fsync")
    member.start()
    yield member
    member.kill()


@contextlib.asynccontextmanager
async def several(directory: Path, etcd: Etcd, *names: str) -> AsyncIterator[list[Running]]:
    """Servers with a data directory each and one key, started at the same moment."""
    async with contextlib.AsyncExitStack() as stack:
        yield list(
            await asyncio.gather(
                *(stack.enter_async_context(one_of(directory, etcd, name)) for name in names)
            )
        )


def one_of(directory: Path, etcd: Etcd, name: str) -> Any:
    (directory / name).mkdir(exist_ok=True)
    given = ["--store", f"etcd:{etcd.url}", "--encryption-key", f"file:{directory / 'shared.key'}"]
    # So few addresses that two Services would have the same if servers did not take turns.
    few = ["--service-cluster-ip-range", "10.96.0.0/27"]
    return running(directory / name, *given, *few, accounts=True)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - it is asked of a server
            await asyncio.sleep(0.05)


async def test_servers_that_start_at_once_are_one(tmp_path: Path, etcd: Etcd) -> None:
    async with several(tmp_path, etcd, "one", "two") as (one, two):
        for name in ("ca.crt", "ca.key", "sa.key", "sa.pub"):
            files = [run.options.pki_dir / name for run in (one, two)]
            assert files[0].read_bytes() == files[1].read_bytes()
        await check_each_sees_the_others_writes(one, two)
        await check_tokens_are_good_everywhere(one, two)
        await check_a_replaced_key_is_everybodys(one, two)
        await check_who_leads(etcd, one, two)
        await check_addresses_are_given_once(one, two)
        await check_a_new_key_is_told_to_all(etcd, one, two)
    await check_who_may_not_join(tmp_path, etcd)


async def check_each_sees_the_others_writes(one: Running, two: Running) -> None:
    """By a get, a list and a watch; and what it is judged by."""
    for turn in range(20):
        here, there = (one, two) if turn % 2 else (two, one)
        made = await here.ask("POST", SECRETS, secret(f"s{turn}", a="b"))
        assert made.code == 201
        got = await there.ask("GET", f"{SECRETS}/s{turn}")
        assert got.json == made.json
        listed = (await there.ask("GET", SECRETS)).json
        assert f"s{turn}" in [item["metadata"]["name"] for item in listed["items"]]
    assert (await one.ask("POST", DEFINITIONS, definition())).code == 201
    await until(lambda: served(one))
    assert await served(two)
    await check_rights(one, two)


async def served(run: Running) -> bool:
    return (await run.ask("GET", V1)).code == 200


async def check_rights(one: Running, two: Running) -> None:
    """A right that was given or taken through one server is there or gone at the other."""
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    binding = {
        "metadata": {"name": "scheduler-reads"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "User", "name": "system:kube-scheduler"}],
    }
    configmaps = "/api/v1/namespaces/default/configmaps"
    for here, there in ((one, two), (two, one)) * 3:
        assert (await here.ask("POST", bindings, binding)).code == 201
        assert (await there.ask("GET", configmaps, identity="scheduler")).code == 200
        assert (await here.ask("DELETE", f"{bindings}/scheduler-reads")).code == 200
        assert (await there.ask("GET", configmaps, identity="scheduler")).code == 403


async def token_of(run: Running) -> str:
    answer = await run.ask("POST", TOKEN, {"spec": {}})
    assert answer.code == 201
    token: str = answer.json["status"]["token"]
    return token


async def good(run: Running, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return (await run.ask("POST", review, {}, identity="", headers=headers)).code == 201


async def check_tokens_are_good_everywhere(one: Running, two: Running) -> None:
    account = {"metadata": {"name": "me"}}
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    assert (await one.ask("POST", accounts, account)).code == 201
    token = await token_of(two)
    assert await good(one, token)
    assert await good(two, token)
    assert (await two.ask("DELETE", f"{accounts}/me")).code == 200
    assert not await good(one, token)
    assert (await two.ask("POST", accounts, account)).code == 201


async def check_a_replaced_key_is_everybodys(one: Running, two: Running) -> None:
    old = await token_of(one)
    private, told = make_key()
    (one.options.pki_dir / "sa.key").write_bytes(private)
    await until(lambda: _is((two.options.pki_dir / "sa.key").read_bytes() == private))
    new = await token_of(one)
    await until(lambda: good(two, new))
    assert await good(two, old)
    # What is taken out at one is taken out at the other.
    public = two.options.pki_dir / "sa.pub"
    await until(lambda: _is(len(verification_keys(public.read_bytes())) == 2))
    public.write_bytes(told)
    there = one.options.pki_dir / "sa.pub"
    await until(lambda: _is(len(verification_keys(there.read_bytes())) == 1))


async def _is(value: bool) -> bool:
    return value


async def check_a_new_key_is_told_to_all(etcd: Etcd, one: Running, two: Running) -> None:
    """Both have the same file; a third server, which has a copy of it, is named."""
    rotated = await one.ask("POST", OPERATIONS, {"spec": {"action": "Rotate"}})
    assert (rotated.code, "Warning" in rotated.headers) == (201, False)
    assert (await one.ask("POST", SECRETS, secret("rotated", a="b"))).code == 201
    assert (await two.ask("GET", f"{SECRETS}/rotated")).code == 200
    store = await EtcdStore.open([etcd.url])
    session = await store.session()
    told = Told("https://elsewhere", (rotated.json["status"]["newKeyID"],))
    await session.show(f"{UP}elsewhere", msgspec.json.encode(told))
    rotated = await two.ask("POST", OPERATIONS, {"spec": {"action": "Rotate"}})
    assert rotated.code == 201
    assert "https://elsewhere does not have the new key: copy" in rotated.headers["Warning"]
    for keys, why in (
        (told.keys, "https://elsewhere does not have the key that encrypts"),
        (("local:other",), "https://elsewhere encrypts with the key local:other, which is not"),
    ):
        await session.show(f"{UP}elsewhere", msgspec.json.encode(Told(told.url, keys)))
        for action in ("Prune", "Rewrap", "Rotate"):
            refused = await one.ask("POST", OPERATIONS, {"spec": {"action": action}})
            assert (refused.code, why in refused.json["message"]) == (409, True)
    await session.close()
    await store.close()


async def check_who_leads(etcd: Etcd, one: Running, two: Running) -> None:
    store = await EtcdStore.open([etcd.url])
    leader = await store.get(LEADER)
    assert leader is not None
    up = (await store.list(UP)).items
    assert {told.url for told in await servers_of(store)} == {one.server.url, two.server.url}
    assert leader.value.decode() in {kv.key.removeprefix(UP) for kv in up}
    await store.close()


async def check_addresses_are_given_once(one: Running, two: Running) -> None:
    async def made(run: Running, name: str) -> str:
        spec = {"ports": [{"port": 80}], "type": "NodePort"}
        answer = await run.ask("POST", SERVICES, {"metadata": {"name": name}, "spec": spec})
        assert answer.code == 201, answer.body
        return str(answer.json["spec"]["clusterIP"])

    given = await asyncio.gather(
        *(made(run, f"{name}{n}") for n in range(6) for name, run in (("a", one), ("b", two)))
    )
    assert len(set(given)) == len(given)


async def check_who_may_not_join(tmp_path: Path, etcd: Etcd) -> None:
    """Another key, or another authority: an error, and nothing is changed."""
    store = await EtcdStore.open([etcd.url])
    before = (await store.list("")).items
    (tmp_path / "stranger").mkdir()
    KeyRing.create(tmp_path / "other.key")
    key = ("--encryption-key", f"file:{tmp_path / 'other.key'}")
    with pytest.raises(StartError, match=r"encrypted with key .* start with the --encryption-key"):
        async with running(tmp_path / "stranger", "--store", f"etcd:{etcd.url}", *key):
            pass
    assert not PKI(tmp_path / "stranger" / "data" / "pki").ca_file.exists()
    PKI(tmp_path / "two" / "data" / "pki").store("ca", make_ca(datetime.now(UTC)))
    with pytest.raises(
        StartError, match="is not the authority that the servers of this etcd share"
    ):
        async with one_of(tmp_path, etcd, "two"):
            pass
    assert (await store.list("")).items == before
    await store.close()


async def test_workers_are_one_server_among_others(tmp_path: Path, etcd: Etcd) -> None:
    """Of a server with several processes, each sees what another server has acknowledged."""
    few = ["--service-cluster-ip-range", "10.96.0.0/27"]
    fleet = await asyncio.to_thread(start, tmp_path, "--store", f"etcd:{etcd.url}", *few)
    (tmp_path / "other").mkdir()
    key = f"file:{tmp_path / 'keys' / 'the.key'}"
    given = ["--store", f"etcd:{etcd.url}", "--encryption-key", key, *few]
    try:
        async with running(tmp_path / "other", *given) as other, connections(fleet) as workers:
            for turn in range(10):
                worker = workers[turn % 2]
                made = await other.ask("POST", SECRETS, secret(f"o{turn}", a="b"))
                assert made.code == 201
                assert await worker.done("GET", f"{SECRETS}/o{turn}") == made.json
                there = await worker.done("POST", SECRETS, secret(f"w{turn}", a="b"))
                assert (await other.ask("GET", f"{SECRETS}/w{turn}")).json == there
            ask: list[Callable[..., Awaitable[Answer]]] = [
                other.ask,
                *(worker.ask for worker in workers),
            ]
            spec = {"ports": [{"port": 80}]}
            given_out = await asyncio.gather(
                *(
                    ask[n % 3]("POST", SERVICES, {"metadata": {"name": f"s{n}"}, "spec": spec})
                    for n in range(12)
                )
            )
            assert len({answer.json["spec"]["clusterIP"] for answer in given_out}) == 12
            await check_office_moves(other, workers, fleet)
    finally:
        if fleet.process.poll() is None:
            code, log = await asyncio.to_thread(fleet.stop)
            assert code == 0, log


async def check_office_moves(other: Running, workers: list[Connection], fleet: FleetServer) -> None:
    """What is done once is done while either is there: names of a custom kind are accepted."""
    assert (await other.ask("POST", DEFINITIONS, definition())).code == 201
    await until(lambda: served(other))
    assert (await workers[0].ask("GET", V1)).code == 200
    # The server with workers came first, so it leads.
    assert (await asyncio.to_thread(fleet.stop))[0] == 0
    removed = await other.ask("DELETE", f"{DEFINITIONS}/{CRONTABS}")
    assert removed.code == 200
    await until(lambda: gone(other, f"{DEFINITIONS}/{CRONTABS}"))


async def gone(run: Running, path: str) -> bool:
    return (await run.ask("GET", path)).code == 404
