"""Webhooks that know tokens and decide on Secrets, beside a server process that kubectl asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Done, Kubectl
from tests.e2e.test_examples import EXAMPLES
from tests.server.reviewers import Answer, Review, Reviewers, review_server, says

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("kubectl")]

TOKENS = {"token-of-jane": "jane", "token-of-max": "max"}
KEPT = "/etc/strongroom/vault-keeper.kubeconfig"


def whose(review: Review) -> Answer:
    """Knows the tokens of two people."""
    name = TOKENS.get(review["spec"]["token"])
    return says(review, authenticated=bool(name), user={"username": name or ""})


def keep(review: Review) -> Answer:
    """Consents to Jane, says nothing of Max's lists, and denies everything else."""
    user, wanted = review["spec"]["user"], review["spec"]["resourceAttributes"]
    if user == "jane":
        return says(review, allowed=True, reason="the keeper knows her")
    silent = wanted["verb"] == "list"
    return says(review, allowed=False, denied=not silent, reason="the keeper is asleep")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("reviewers")) as server:
        server.on = {"/whose": whose, "/keep": keep}
        yield server


@pytest.fixture(scope="module")
def room(reviewers: Reviewers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """A server by the example's configuration."""
    directory = tmp_path_factory.mktemp("deciding")
    example = (EXAMPLES / "authorization" / "authorizers.yaml").read_text()
    assert KEPT in example
    config = directory / "authorizers.yaml"
    config.write_text(example.replace(KEPT, str(reviewers.kubeconfig("/keep"))))
    flags = [
        f"--authorization-config={config}",
        f"--authentication-token-webhook-config-file={reviewers.kubeconfig('/whose')}",
        "--authentication-token-webhook-version=v1",
    ]
    with Strongroom.start(directory, "apiserver", *flags) as started:
        admin = Kubectl(started.kubeconfig, "vault", directory)
        admin("create", "namespace", "vault")
        admin("create", "secret", "generic", "sealed", "--from-literal=key=TOP-SECRET")
        everybody = ("--user=jane", "--user=max")
        admin("create", "rolebinding", "all", "--clusterrole=cluster-admin", *everybody)
        yield started


@pytest.fixture
def people(room: Strongroom, tmp_path: Path) -> dict[str, Kubectl]:
    """Those who have a token, or say so."""
    made = {}
    admin = json.loads(room.kubeconfig.read_text())
    for token in (*TOKENS, "token-of-nobody"):
        path = tmp_path / token
        path.write_text(json.dumps(admin | {"users": _user(admin, token)}))
        made[token.removeprefix("token-of-")] = Kubectl(path, "vault", tmp_path)
    return made


def _user(admin: Review, token: str) -> list[Review]:
    return [{"name": admin["users"][0]["name"], "user": {"token": token}}]


async def ours(room: Strongroom, *arguments: str) -> Result:
    """A call of strongroom, likewise."""
    argv = [*arguments, "-n", "vault", "--kubeconfig", str(room.kubeconfig)]
    return await asyncio.to_thread(CliRunner().invoke, main, argv)


async def run(kubectl: Kubectl, *arguments: str) -> Done:
    """A call of kubectl, while the webhooks answer."""
    return await asyncio.to_thread(kubectl.run, *arguments)


async def test_people_are_known_and_judged_by_webhooks(
    people: dict[str, Kubectl], reviewers: Reviewers, room: Strongroom
) -> None:
    assert "jane" in (await run(people["jane"], "auth", "whoami")).out
    assert (await run(people["jane"], "get", "secret", "sealed")).code == 0
    refused = await run(people["max"], "get", "secret", "sealed")
    assert refused.err.strip().endswith('in the namespace "vault": the keeper is asleep')
    # Without an opinion of the webhook his role decides.
    assert (await run(people["max"], "get", "secrets")).code == 0
    assert "no" in (await run(people["max"], "auth", "can-i", "get", "secrets")).out
    assert "Unauthorized" in (await run(people["nobody"], "get", "pods")).err
    # What no condition is about is not asked.
    assert (await run(people["max"], "get", "configmaps")).code == 0
    asked = [review["spec"]["resourceAttributes"] for review in reviewers.reviews("/keep")]
    assert {wanted["resource"] for wanted in asked} == {"secrets"}
    assert "token-of" not in room.log.read_text()


async def test_commands_that_judge_by_roles_say_that_a_webhook_decides_too(
    room: Strongroom,
) -> None:
    told = "warning: a webhook decides as well"
    assert told in (await ours(room, "who-can", "get", "secret/sealed")).output
    assert told in (await ours(room, "doctor", "rbac")).output
