"""A server whose chain of authorizers a file names: two webhooks between what it has itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.server.authorization.conftest import GROUP, Cluster, can, to
from tests.server.conftest import SECRETS, running, secret
from tests.server.reviewers import Answer, Review, Reviewers, failing, review_server, says
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
BY_HOOK = "request.user.matches('^(hook|system:node):')"


@dataclass(slots=True)
class World:
    """The API server, the webhooks, and the file that names them."""

    cluster: Cluster
    reviewers: Reviewers
    file: Path

    def hook(self, name: str, *conditions: str, policy: str = "NoOpinion") -> Review:
        """A webhook's entry; it is asked under its name."""
        return {
            "type": "Webhook",
            "name": name,
            "webhook": {
                "timeout": "20s",
                "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1",
                "authorizedTTL": "1ms",
                "unauthorizedTTL": "1ms",
                "failurePolicy": policy,
                "connectionInfo": {
                    "type": "KubeConfigFile",
                    "kubeConfigFile": str(self.reviewers.kubeconfig(f"/{name}")),
                },
                "matchConditions": [{"expression": text} for text in conditions],
            },
        }

    def write(self, *authorizers: Review) -> None:
        """Write the file, in a piece."""
        content = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthorizationConfiguration",
            "authorizers": list(authorizers),
        }
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(content))
        fresh.rename(self.file)

    def asked(self, path: str, **parts: str) -> list[Review]:
        """The reviews so far about such a resource."""
        specs = [review["spec"] for review in self.reviewers.reviews(path)]
        return [
            spec
            for spec in specs
            if parts.items() <= (spec.get("resourceAttributes") or {}).items()
        ]

    async def counted(self) -> set[str]:
        """The lines of the metrics."""
        return set((await self.cluster.api.ask("GET", "/metrics")).body.decode().splitlines())

    async def on_record(self, user: str) -> Review:
        """What the audit log says of the last request as a user."""
        events = self.cluster.api.audit_events()
        of_user = [e for e in events if e.get("impersonatedUser", {}).get("username") == user]
        found: Review = of_user[-1]["annotations"]
        return {key: value for key, value in found.items() if "authorization" in key}


RBAC = [{"type": name, "name": name.lower()} for name in ("Node", "RBAC")]


def judge(review: Review) -> Answer:
    """Allows, denies, fails or says nothing, as the name of the user asks for."""
    user = review["spec"]["user"]
    if user.startswith("hook:fail"):
        return failing(403)(review)  # type: ignore[return-value]  # it answers at once
    if user.startswith("hook:deny"):
        return says(review, allowed=False, denied=True, reason="not on my watch")
    if user.startswith("hook:allow"):
        return says(review, allowed=True, reason="a friend")
    return says(review, allowed=False, reason="do not know")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    directory = tmp_path_factory.mktemp("authorizers")
    async with review_server(directory) as reviewers:
        reviewers.on["/first"] = judge
        made = World(None, reviewers, directory / "authorizers.json")  # type: ignore[arg-type]  # set below
        closed = made.hook("closed", "request.user == 'eve'", policy="Deny")
        made.write(made.hook("first", BY_HOOK), closed, *RBAC)
        async with running(directory, "--authorization-config", str(made.file)) as run:
            made.cluster = Cluster(run)
            yield made


async def test_a_webhook_allows_and_its_reason_is_on_record(world: World) -> None:
    assert (await world.cluster.ask("hook:allow", "GET", SECRETS)).code == 200
    assert await world.on_record("hook:allow") == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "a friend",
    }
    lines = await world.counted()
    assert any(
        line.startswith(
            'apiserver_authorization_webhook_evaluations_total{name="first",result="success"}'
        )
        for line in lines
    )


async def test_a_denial_ends_the_chain(world: World) -> None:
    await world.cluster.grant("hook:deny", "cluster-admin")
    refused = await world.cluster.ask("hook:deny", "GET", SECRETS)
    assert refused.code == 403
    assert refused.json["message"].endswith('in the namespace "default": not on my watch')
    assert await world.on_record("hook:deny") == {
        "authorization.k8s.io/decision": "forbid",
        "authorization.k8s.io/reason": "not on my watch",
    }
    decided = 'apiserver_authorization_decisions_total{decision="denied",name="first",'
    assert any(line.startswith(decided) for line in await world.counted())


async def test_without_an_opinion_the_next_decides(world: World) -> None:
    refused = await world.cluster.ask("hook:none", "GET", SECRETS)
    assert refused.code == 403
    assert refused.json["message"].endswith("first: do not know")
    await world.cluster.grant("hook:none", "cluster-admin")
    assert (await world.cluster.ask("hook:none", "GET", SECRETS)).code == 200


async def test_who_is_excluded_by_a_condition_is_not_asked_about(world: World) -> None:
    before = len(world.reviewers.asked)
    assert (await world.cluster.ask("jane", "GET", SECRETS)).code == 403
    # Nor are administrators.
    assert (await world.cluster.api.ask("GET", SECRETS)).code == 200
    assert len(world.reviewers.asked) == before
    excluded = "apiserver_authorization_match_condition_exclusions_total"
    assert any(line.startswith(excluded) for line in await world.counted())


async def test_what_cannot_be_decided_is_an_error_of_the_server(world: World) -> None:
    failed = await world.cluster.ask("hook:fail", "GET", f"{SECRETS}?limit=1&x=<b>")
    assert failed.code == 500
    assert failed.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert failed.headers["X-Content-Type-Options"] == "nosniff"
    assert failed.body == (
        b'Internal Server Error: "/api/v1/namespaces/default/secrets?limit=1&amp;x=&lt;b&gt;": '
        b"forbidden\n"
    )
    assert await world.on_record("hook:fail") == {"authorization.k8s.io/reason": "internal error"}
    open_ = 'webhook_evaluations_fail_open_total{name="first",result="error"}'
    assert any(open_ in line for line in await world.counted())
    await world.cluster.grant("hook:fail", "cluster-admin")
    assert (await world.cluster.ask("hook:fail", "GET", SECRETS)).code == 200


async def test_reviews_tell_what_the_webhook_says(world: World) -> None:
    async def status(user: str) -> Review:
        wanted = {"verb": "list", "resource": "secrets", "namespace": "x"}
        asked = {"spec": {"resourceAttributes": wanted}}
        answer = await world.cluster.ask(user, "POST", REVIEWS, asked)
        found: Review = answer.json["status"]
        return found

    assert await status("hook:allow") == {"allowed": True, "reason": "a friend"}
    denied = {"allowed": False, "denied": True, "reason": "not on my watch"}
    made = await world.cluster.ask("hook:deny", "POST", REVIEWS, {"spec": {}})
    # Who is denied everything cannot ask either.
    assert made.code == 403
    review = {"user": "hook:deny", "resourceAttributes": {"verb": "get", "resource": "pods"}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    answer = await world.cluster.api.ask("POST", path, {"spec": review})
    assert answer.json["status"] == denied
    failed = review | {"user": "hook:fail:2"}
    answer = await world.cluster.api.ask("POST", path, {"spec": failed})
    assert answer.json["status"] == {"allowed": False, "evaluationError": "forbidden"}


async def test_rules_cannot_be_listed_of_a_webhook(world: World) -> None:
    asked = {"spec": {"namespace": "default"}}
    answer = await world.cluster.ask("hook:allow", "POST", RULES, asked)
    status = answer.json["status"]
    assert status["incomplete"] is True
    assert status["evaluationError"] == "webhook authorizer does not support user rule resolution"


async def test_who_acts_as_another_asks_the_webhook_too(world: World) -> None:
    """The sender of this request is a node by its certificate, which may impersonate nobody."""
    api = world.cluster.api
    headers = {"Impersonate-User": "jane"}
    assert (await api.ask("GET", SECRETS, identity="node", headers=headers)).code == 403
    world.reviewers.on["/first"] = lambda review: says(review, allowed=True)
    assert (await api.ask("GET", SECRETS, identity="node", headers=headers)).code == 403
    asked = world.asked("/first", verb="impersonate")
    assert asked[-1]["resourceAttributes"] == {
        "verb": "impersonate",
        "resource": "users",
        "name": "jane",
    }
    world.reviewers.on["/first"] = failing(403)
    refused = await api.ask("GET", SECRETS, identity="node", headers=headers)
    assert refused.code == 403
    assert 'cannot impersonate resource "users"' in refused.json["message"]
    world.reviewers.on["/first"] = judge


async def test_who_may_escalate_by_the_webhook_may(world: World) -> None:
    role = {"metadata": {"name": "given"}, "rules": [can("*", "*")]}
    where = f"{GROUP}/namespaces/default/roles"
    assert (await world.cluster.ask("hook:allow", "POST", where, role)).code == 201
    assert world.asked("/first", verb="escalate")
    await world.cluster.grant("hook:writer", "admin", "default")
    role["metadata"] = {"name": "not-given"}
    refused = await world.cluster.ask("hook:writer", "POST", where, role)
    assert refused.code == 403
    binding = {"metadata": {"name": "bound"}, **to("x", "cluster-admin")}
    where = f"{GROUP}/namespaces/default/rolebindings"
    assert (await world.cluster.ask("hook:allow", "POST", where, binding)).code == 201
    assert world.asked("/first", verb="bind")


async def test_who_makes_by_changing_asks_the_webhook_for_both(world: World) -> None:
    def patches_only(review: Review) -> Answer:
        wanted = review["spec"].get("resourceAttributes", {})
        if wanted.get("verb") == "create" and wanted["resource"] == "secrets":
            return failing(403)(review)  # type: ignore[return-value]  # it answers at once
        return says(review, allowed=True)

    world.reviewers.on["/first"] = patches_only
    body = json.dumps(secret("made", a="TOP-SECRET")).encode()
    headers = {"Content-Type": "application/apply-patch+yaml", "Impersonate-User": "hook:apply"}
    path = f"{SECRETS}/made?fieldManager=x"
    answer = await world.cluster.api.ask("PATCH", path, body, headers=headers)
    world.reviewers.on["/first"] = judge
    assert answer.code == 500
    assert answer.json["message"] == "Internal error occurred: forbidden"


async def test_a_webhook_that_closes_the_door_where_it_cannot_be_heard(world: World) -> None:
    world.reviewers.on["/closed"] = failing(403)
    await world.cluster.grant("eve", "cluster-admin")
    answer = await world.cluster.ask("eve", "GET", SECRETS)
    assert (answer.code, b"Internal Server Error" in answer.body) == (500, True)


async def test_the_file_is_read_again(world: World) -> None:
    world.reviewers.on["/second"] = lambda review: says(review, allowed=True)
    assert (await world.cluster.ask("ben", "GET", SECRETS)).code == 403
    world.write(world.hook("second", "request.user == 'ben'"), *RBAC)

    async def code() -> int:
        return (await world.cluster.ask("ben", "GET", SECRETS)).code

    await until(code, lambda found: found == 200)
    lines = await world.counted()
    reloads = "apiserver_authorization_config_controller_automatic_reloads_total"
    assert any(line.startswith(reloads) and 'status="success"} 1.0' in line for line in lines)
