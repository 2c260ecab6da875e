"""A webhook that decides, by itself: questions, answers, how long they are kept, conditions."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.authz.webhook import WebhookAuthorizer, WebhookSettings
from strongroom.access.user import Attributes
from strongroom.server.review_client import DELAYS, ReviewClient
from strongroom.server.webhook_endpoint import read_endpoint
from strongroom.testing.clock import ManualClock
from tests.access.test_questions import IN_NS, JANE, PATH, PODS, SECRET, conditions
from tests.server.reviewers import Handler, Reviewers, always, failing, review_server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("reviewers")) as server:
        yield server


class Asked:
    """An authorizer, the clock it reads, and what it told of failures."""

    def __init__(self, reviewers: Reviewers, answer: Handler, **changes: Any) -> None:
        reviewers.on["/decide"] = answer
        self.reviewers = reviewers
        self.before = len(reviewers.asked)
        self.clock = ManualClock()
        self.open: list[bool] = []
        settings = WebhookSettings("hook", "v1", 300.0, 30.0, failed_open=self.open.append)
        self.client = ReviewClient(
            read_endpoint(reviewers.kubeconfig("/decide")),
            self.clock,
            delays=(0.0,) * len(DELAYS),
        )
        self.authorizer = WebhookAuthorizer(self.client, replace(settings, **changes), self.clock)

    @property
    def calls(self) -> int:
        return len(self.reviewers.asked) - self.before

    async def ask(self, *wanted: Attributes) -> list[Decision]:
        try:
            return [await self.authorizer.authorize(one) for one in wanted]
        finally:
            await self.client.close()


async def test_everything_that_is_known_is_asked(reviewers: Reviewers) -> None:
    asked = Asked(reviewers, always(allowed=True, reason="may"))
    assert await asked.ask(SECRET) == [Decision(Verdict.ALLOW, "may")]
    assert reviewers.asked[-1][1] == {
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {
            "user": "jane",
            "uid": "u-1",
            "groups": ["dev", "ops"],
            "extra": {"scopes": ["a", "b"]},
            "resourceAttributes": {
                "namespace": "ns",
                "verb": "get",
                "version": "v1",
                "resource": "secrets",
                "name": "s",
            },
        },
        "status": {"allowed": False},
    }


BOTH = "webhook subject access review returned both allow and deny response"


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ({"allowed": True}, Decision(Verdict.ALLOW)),
        ({"allowed": False, "reason": "hm"}, Decision(Verdict.NO_OPINION, "hm")),
        ({}, Decision()),
        ({"allowed": False, "denied": True, "reason": "no"}, Decision(Verdict.DENY, "no")),
        ({"allowed": True, "denied": True}, Decision(Verdict.DENY, error=BOTH)),
        ({"allowed": False, "evaluationError": "odd"}, Decision()),
    ],
)
async def test_answers(reviewers: Reviewers, status: dict[str, Any], decision: Decision) -> None:
    assert await Asked(reviewers, always(**status)).ask(PATH) == [decision]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"kind": "TokenReview", "status": {"allowed": True}}, "got another kind"),
        ({"apiVersion": "authorization.k8s.io/v1beta1", "status": {"allowed": True}}, "another"),
        ({"status": {"allowed": "TOP-SECRET"}}, "is no SubjectAccessReview in JSON"),
        ({"status": "TOP-SECRET"}, "is no SubjectAccessReview in JSON"),
    ],
)
async def test_what_is_no_answer_allows_nothing(
    reviewers: Reviewers, answer: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(reviewers, lambda review: review | answer)
    (decision,) = await asked.ask(PATH)
    assert decision.verdict is Verdict.NO_OPINION
    assert why in decision.error
    assert "TOP-SECRET" not in decision.error + caplog.text
    assert asked.open == [False]
    assert asked.calls == 1
    garbage = Asked(reviewers, lambda review: web.Response(body=b"\xff{"))
    assert "is no SubjectAccessReview" in (await garbage.ask(PATH))[0].error


async def test_an_answer_that_does_not_say_what_it_is_counts(reviewers: Reviewers) -> None:
    bare = Asked(reviewers, lambda review: {"status": {"allowed": True}})
    assert await bare.ask(PATH) == [Decision(Verdict.ALLOW)]


async def test_what_cannot_be_heard_is_decided_by_the_policy(
    reviewers: Reviewers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        asked = Asked(reviewers, failing(403))
        assert await asked.ask(SECRET) == [Decision(Verdict.NO_OPINION, error="forbidden")]
        assert asked.open == [False]
        closed = Asked(reviewers, failing(403), on_failure=Verdict.DENY)
        assert await closed.ask(SECRET) == [Decision(Verdict.DENY, error="forbidden")]
        assert closed.open == []
    assert len(caplog.records) == 2
    late = Asked(reviewers, failing(504))
    assert (await late.ask(SECRET))[0].verdict is Verdict.NO_OPINION
    assert late.open == [True]


@pytest.mark.parametrize(
    ("status", "changes", "seconds"),
    [
        ({"allowed": True}, {}, 300),
        ({"allowed": False}, {}, 30),
        ({"denied": True}, {}, 30),
        ({"allowed": True}, {"authorized_ttl": 0.0}, 0),
        ({"allowed": False}, {"unauthorized_ttl": 0.0}, 0),
    ],
)
async def test_answers_are_kept_so_long_and_no_longer(
    reviewers: Reviewers, status: dict[str, Any], changes: dict[str, float], seconds: float
) -> None:
    asked = Asked(reviewers, always(**status), **changes)
    await asked.ask(SECRET)
    asked.clock.advance(max(0.0, seconds - 0.1))
    await asked.ask(SECRET)
    assert asked.calls == (1 if seconds else 2)
    asked.clock.advance(0.2)
    await asked.ask(SECRET)
    assert asked.calls == (2 if seconds else 3)


async def test_each_question_has_an_answer_of_its_own(reviewers: Reviewers) -> None:
    asked = Asked(reviewers, always(allowed=True))
    others = [
        replace(SECRET, name="t"),
        replace(SECRET, verb="delete"),
        replace(SECRET, user=replace(JANE, groups=())),
        replace(SECRET, user=replace(JANE, extra={"scopes": ("a",)})),
        replace(SECRET, user=replace(JANE, uid="")),
        replace(PODS, label_selector=""),
        PODS,
        PATH,
    ]
    await asked.ask(SECRET, *others)
    assert asked.calls == 1 + len(others)
    await asked.ask(SECRET, *others)
    assert asked.calls == 1 + len(others)


async def test_failures_and_endless_questions_are_not_kept(reviewers: Reviewers) -> None:
    failed = Asked(reviewers, failing(403, 1))
    assert [one.verdict for one in await failed.ask(PATH, PATH)] == [
        Verdict.NO_OPINION,
        Verdict.ALLOW,
    ]
    long = Asked(reviewers, always(allowed=True))
    endless = replace(PATH, path="/" + "x" * 10_000)
    await long.ask(endless, endless)
    assert long.calls == 2
    wordy = Asked(reviewers, always(allowed=True, reason="x" * 10_000))
    await wordy.ask(PATH, PATH)
    assert wordy.calls == 2


@pytest.mark.parametrize(
    ("expressions", "wanted", "calls"),
    [
        (("has(request.resourceAttributes)", IN_NS), SECRET, 1),
        (("has(request.resourceAttributes)",), PATH, 0),
        # One that is false outweighs those that cannot be judged.
        ((IN_NS, "request.user != 'jane'"), PATH, 0),
        (("'ops' in request.groups", "request.extra['scopes'] == ['a', 'b']"), PATH, 1),
        (("request.nonResourceAttributes.path.startsWith('/met')",), PATH, 1),
        (("has(request.resourceAttributes.fieldSelector)",), SECRET, 0),
        (
            (
                (
                    "request.resourceAttributes.fieldSelector.requirements.exists("
                    "r, r.key == 'spec.nodeName' && r.operator == 'In' && 'n1' in r.values)"
                ),
            ),
            PODS,
            1,
        ),
        (
            (
                (
                    "request.resourceAttributes.labelSelector.requirements.all("
                    "r, r.operator != 'Exists' || r.key == 'd')"
                ),
            ),
            PODS,
            1,
        ),
    ],
)
async def test_who_is_asked_about_what(
    reviewers: Reviewers, expressions: Sequence[str], wanted: Attributes, calls: int
) -> None:
    asked = Asked(reviewers, always(allowed=True), conditions=conditions(*expressions))
    (decision,) = await asked.ask(wanted)
    assert asked.calls == calls
    assert decision == (Decision(Verdict.ALLOW) if calls else Decision())


@pytest.mark.parametrize("policy", [Verdict.NO_OPINION, Verdict.DENY])
async def test_conditions_that_cannot_be_judged(reviewers: Reviewers, policy: Verdict) -> None:
    unjudged = conditions("request.user == 'jane'", IN_NS)
    asked = Asked(reviewers, always(allowed=True), conditions=unjudged, on_failure=policy)
    why = f"cel evaluation error: expression '{IN_NS}' resulted in error: "
    why += "no such key: resourceAttributes"
    assert await asked.ask(PATH) == [Decision(policy, error=why)]
    assert asked.calls == 0
