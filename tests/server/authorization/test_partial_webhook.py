"""Keys of Secrets that a webhook allows: it is asked for each, and nothing else is learned."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.authorization.conftest import Cluster
from tests.server.conftest import SECRETS, running, secret
from tests.server.reviewers import Answer, Review, Reviewers, review_server, says

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALLOWED = {"keys:db/user", "keys:late/user"}


def judge(review: Review) -> Answer:
    """Allows two keys by their names, and denies one user the whole of anything."""
    asked = review["spec"]["resourceAttributes"]
    what = f"{asked.get('subresource', '')}:{asked.get('name', '')}"
    if review["spec"]["user"] == "denied" and not asked.get("subresource"):
        return says(review, allowed=False, denied=True, reason="never")
    if review["spec"]["user"] in ("kay", "denied") and what in ALLOWED:
        return says(review, allowed=True, reason="the hook")
    return says(review, allowed=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("hook")) as made:
        made.on["/hook"] = judge
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    reviewers: Reviewers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    file = reviewers.kubeconfig("/hook")
    chain = ("--authorization-mode=Webhook,RBAC", f"--authorization-webhook-config-file={file}")
    async with running(tmp_path_factory.mktemp("parts"), *chain) as run:
        made = Cluster(run)
        for name in ("db", "other"):
            made_secret = secret(name, password="hidden", user="root")
            assert (await made.ask("", "POST", SECRETS, made_secret)).code == 201
        yield made


async def test_each_key_is_asked_for(cluster: Cluster, reviewers: Reviewers) -> None:
    reviewers.asked.clear()
    found = (await cluster.ask("kay", "GET", f"{SECRETS}/db")).json
    assert found["data"] == {"user": "cm9vdA=="}
    asked = [review["spec"]["resourceAttributes"] for review in reviewers.reviews("/hook")]
    assert [(a.get("subresource"), a["name"]) for a in asked if a["resource"] == "secrets"] == [
        (None, "db"),
        ("metadata", "db"),
        ("keys", "db/*"),
        ("keys", "db/password"),
        ("keys", "db/user"),
    ]
    event = cluster.api.audit_events()[-1]["annotations"]
    assert event["authorization.k8s.io/reason"] == "secrets/keys: the hook"
    assert event["secrets.strongroom.io/keys"] == "user"


async def test_what_is_not_there_is_refused_as_what_is(cluster: Cluster) -> None:
    one = "?fieldSelector=metadata.name%3D"
    for path in ("/{}", one + "{}", one + "{}&watch=true"):
        known, missing, late = [
            await cluster.ask("kay", "GET", SECRETS + path.format(name))
            for name in ("other", "none", "late")
        ]
        assert known.code == missing.code == late.code == 403
        assert known.json["message"].replace("other", "none") == missing.json["message"]
        assert late.json["message"].replace("late", "none") == missing.json["message"]
    everywhere = await cluster.ask("kay", "GET", f"/api/v1/secrets{one}db")
    assert everywhere.code == 403


async def test_a_watch_shows_these_keys(cluster: Cluster) -> None:
    path = f"{SECRETS}?fieldSelector=metadata.name%3Ddb&watch=true&timeoutSeconds=1"
    answer = await cluster.ask("kay", "GET", path)
    assert answer.json["object"]["data"] == {"user": "cm9vdA=="}


async def test_who_is_denied_the_whole_is_not_asked_about_again(
    cluster: Cluster, reviewers: Reviewers
) -> None:
    reviewers.asked.clear()
    refused = await cluster.ask("denied", "GET", f"{SECRETS}/db")
    assert refused.code == 403
    assert refused.json["message"].endswith('in the namespace "default": never')
    names = [review["spec"]["resourceAttributes"] for review in reviewers.reviews("/hook")]
    assert [a["name"] for a in names if a["resource"] == "secrets"] == ["db"]
