"""Where a server's audit events go, as its options say; requests that wait for theirs."""

import asyncio
from pathlib import Path

import pytest

from strongroom.server.audit.outlets import chain_key_of
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from tests.server.audit.test_webhook import Hook
from tests.server.conftest import running
from tests.server.reviewers import review_server

SECRETS = "/api/v1/namespaces/default/secrets"


async def test_log_and_webhook_get_the_same(tmp_path: Path) -> None:
    async with review_server(tmp_path) as reviewers:
        hook = Hook(reviewers)
        webhook = ("--audit-webhook-config-file", str(reviewers.kubeconfig("/audit")))
        async with running(tmp_path, *webhook) as api:
            await api.ask("GET", SECRETS)
        # The server has ended: what waited for a whole batch was delivered.
        events = api.audit_events()
        sent = [event for one in reviewers.reviews("/audit") for event in one["items"]]
        assert hook.calls == len(reviewers.reviews("/audit"))
        for event in events:
            event["annotations"].pop("chain.strongroom.io/link")
        assert [event for event in events if event["annotations"]] == sent


async def test_a_log_of_batches_is_whole_at_the_end(tmp_path: Path) -> None:
    batch = ("--audit-log-mode", "batch", "--audit-log-batch-max-wait", "1h")
    async with running(tmp_path, *batch, "--audit-log-batch-max-size", "1000") as api:
        for _ in range(3):
            await api.ask("GET", SECRETS)
        assert api.audit_events() == []
    assert [event["requestURI"] for event in api.audit_events()].count(SECRETS) == 3


async def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    strict = ("--audit-log-mode", "blocking-strict", "--audit-log-path", "/dev/full")
    async with running(tmp_path, *strict) as api:
        for method, path in (("GET", SECRETS), ("GET", f"{SECRETS}?watch=true")):
            answer = await api.ask(method, path)
            assert answer.code == 500
            assert b"failed to store audit event" in answer.body
        body = {"metadata": {"name": "made"}, "data": {}}
        answer = await api.ask("POST", SECRETS, body)
        assert answer.code == 500
        assert (await api.ask("GET", "/livez")).code == 200
        page = (await api.ask("GET", "/metrics")).body
        assert b"apiserver_audit_requests_rejected_total 3.0" in page


async def test_what_is_recorded_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path, "--audit-log-mode", "blocking-strict") as api:
        async with api.session().get(f"{SECRETS}?watch=true") as response:
            assert response.status == 200
            assert [event["stage"] for event in api.audit_events()] == ["ResponseStarted"]
        assert (await api.ask("GET", SECRETS)).code == 200
        assert api.audit_events()[-1]["verb"] == "list"


async def test_while_nothing_can_be_recorded_nothing_is_changed(tmp_path: Path) -> None:
    async with review_server(tmp_path) as reviewers:
        hook = Hook(reviewers)
        hook.codes = [500] * 4
        strict = ("--audit-webhook-mode", "blocking-strict")
        backoff = ("--audit-webhook-initial-backoff", "1ms")
        webhook = ("--audit-webhook-config-file", str(reviewers.kubeconfig("/audit")))
        async with running(tmp_path, *webhook, *strict, *backoff) as api:
            assert (await api.ask("GET", SECRETS)).code == 500
            codes = []
            for _ in range(1000):
                codes.append((await api.ask("GET", SECRETS)).code)
                if codes[-1] == 200:
                    break
                await asyncio.sleep(0.01)
            assert codes[-1] == 200
        assert hook.codes == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--audit-webhook-config-file", "/nowhere"), "/nowhere"),
        (("--audit-log-path", "/proc/nothing/audit.log"), "/proc/nothing"),
        (("--audit-log-chain-key-file", "/etc/passwd"), "others may read this key"),
    ],
)
async def test_what_cannot_be_used_is_told_at_the_start(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    with pytest.raises(StartError, match=told):
        async with running(tmp_path, *arguments):
            raise AssertionError("it started")


def test_servers_with_one_key_file_have_each_a_chain(tmp_path: Path) -> None:
    def chain_key(data_dir: str, *store: str) -> Path:
        (tmp_path / data_dir).mkdir(exist_ok=True)
        given = [
            "--data-dir",
            str(tmp_path / data_dir),
            "--encryption-key",
            f"file:{tmp_path}/the.key",
        ]
        return chain_key_of(parse_options([*given, *store]))

    etcd = "--store", "etcd:http://127.0.0.1:1"
    one, two = chain_key("one", *etcd), chain_key("two", *etcd)
    assert one == chain_key("one", *etcd) != two
    assert one.parent == two.parent == tmp_path
    assert chain_key("one") == tmp_path / "the.audit.key"
