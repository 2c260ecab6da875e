"""A webhook that knows tokens: what it is asked, what is believed of it, and for how long."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.authn.webhook import WebhookTokens
from strongroom.access.user import User
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from strongroom.server.review_client import DELAYS, ReviewClient
from strongroom.server.webhook_endpoint import read_endpoint
from strongroom.testing.clock import ManualClock
from tests.server.conftest import SECRETS, Running, running
from tests.server.reviewers import Answer, Handler, Review, Reviewers, failing, review_server, says
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "TOP-SECRET"
OURS = ("api",)
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
FLAG = "--authentication-token-webhook"
JANE = {"username": "jane", "uid": "7", "groups": ["dev"], "extra": {"scopes": ["a"]}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("reviewers")) as server:
        yield server


class Asked:
    """The authenticator, and the clock that it reads."""

    def __init__(
        self, reviewers: Reviewers, answer: Handler, *, version: str = "v1", seconds: float = 120.0
    ) -> None:
        reviewers.on["/token"] = answer
        self._reviewers = reviewers
        self._before = len(reviewers.asked)
        self.clock = ManualClock()
        self._client = ReviewClient(
            read_endpoint(reviewers.kubeconfig("/token")),
            self.clock,
            delays=(0.0,) * len(DELAYS),
        )
        self._tokens = WebhookTokens(
            self._client, self.clock, version=version, audiences=OURS, seconds=seconds
        )

    @property
    def calls(self) -> int:
        return len(self._reviewers.asked) - self._before

    async def ask(self, token: str = TOKEN, *audiences: str) -> Authenticated | None:
        try:
            return await self._tokens.authenticate_token(token, audiences or OURS)
        finally:
            await self._client.close()


def knows(**status: Any) -> Handler:
    return lambda review: says(review, authenticated=True, user=JANE, **status)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_what_is_asked_and_who_it_is(reviewers: Reviewers, version: str) -> None:
    found = await Asked(reviewers, knows(), version=version).ask()
    user = User("jane", "7", ("dev",), {"scopes": ("a",)})
    assert found == Authenticated(user, OURS)
    assert reviewers.asked[-1][1] == {
        "kind": "TokenReview",
        "apiVersion": f"authentication.k8s.io/{version}",
        "metadata": {},
        "spec": {"token": TOKEN, "audiences": ["api"]},
        "status": {"user": {}},
    }


@pytest.mark.parametrize(
    ("told", "wanted", "meant"),
    [
        (None, ("api", "b"), ("api",)),
        (None, ("b",), None),
        (["b", "c"], ("api", "b"), ("b",)),
        (["c"], ("api", "b"), None),
    ],
)
async def test_for_whom_a_token_is_meant(
    reviewers: Reviewers,
    told: list[str] | None,
    wanted: tuple[str, ...],
    meant: tuple[str, ...] | None,
) -> None:
    answer = knows(audiences=told) if told else knows()
    found = await Asked(reviewers, answer).ask(TOKEN, *wanted)
    assert (found.audiences if found else None) == meant


async def test_who_is_not_known(reviewers: Reviewers, caplog: pytest.LogCaptureFixture) -> None:
    def unknown(review: Review) -> Answer:
        return says(review, authenticated=False, user=JANE)

    assert await Asked(reviewers, unknown).ask() is None
    wrong = Asked(reviewers, lambda review: says(review, error="expired yesterday"))
    for _ in range(2):
        with pytest.raises(AuthenticationFailed, match=r"^expired yesterday$"):
            await wrong.ask()
    # As upstream, what is told as an error is asked again.
    assert wrong.calls == 2
    assert caplog.records == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (failing(403), "forbidden"),
        (lambda review: says(review, authenticated=True), "a user without a name"),
        (lambda review: review | {"kind": "TokenRequest"}, "got another kind"),
        (lambda review: review | {"status": TOKEN}, "is no TokenReview in JSON"),
    ],
)
async def test_what_is_no_answer_lets_nobody_in(
    reviewers: Reviewers, answer: Handler, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(reviewers, answer)
    for _ in range(2):
        with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationFailed) as caught:
            await asked.ask()
        assert why in str(caught.value)
        assert TOKEN not in str(caught.value)
    assert asked.calls == 2
    fields: Any = [record for record in caplog.records if record.name.startswith("strongroom")]
    assert len(fields) == 2
    assert why in fields[0].fields["error"]
    assert all(TOKEN not in str(record.__dict__) for record in fields)


@pytest.mark.parametrize("known", [True, False])
async def test_answers_are_kept_so_long_and_no_longer(reviewers: Reviewers, known: bool) -> None:
    asked = Asked(reviewers, lambda review: says(review, authenticated=known, user=JANE))
    await asyncio.gather(*(asked.ask() for _ in range(3)))
    asked.clock.advance(119.9)
    assert (await asked.ask() is not None) is known
    assert asked.calls == 1
    # Another token, and another audience, are other questions.
    await asked.ask("other")
    await asked.ask(TOKEN, "api", "b")
    assert asked.calls == 3
    asked.clock.advance(0.2)
    await asked.ask()
    assert asked.calls == 4
    never = Asked(reviewers, knows(), seconds=0.0)
    await never.ask()
    await never.ask()
    assert never.calls == 2


async def test_in_a_server(
    reviewers: Reviewers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = {"tok-jane": JANE, "tok-root": {"username": "root", "groups": ["system:masters"]}}

    def knows_two(review: Review) -> Answer:
        user = users.get(review["spec"]["token"])
        return says(review, authenticated=bool(user), user=user or {})

    reviewers.on["/in-server"] = knows_two
    kubeconfig = reviewers.kubeconfig("/in-server")
    flags = [f"{FLAG}-config-file={kubeconfig}", f"{FLAG}-version=v1"]
    with caplog.at_level(logging.DEBUG):
        async with running(tmp_path, *flags) as api:
            assert (await _as(api, "tok-root")).code == 200
            assert (await _as(api, "tok-jane")).code == 403
            assert (await _as(api, "tok-jane")).code == 403
            assert (await _as(api, "tok-nobody")).code == 401
            review = {"spec": {"token": "tok-jane"}}
            status = (await api.ask("POST", REVIEWS, review)).json["status"]
            assert status["user"] == JANE | {"groups": ["dev", "system:authenticated"]}
            # Each token was asked about once.
            assert [asked["spec"]["token"] for asked in reviewers.reviews("/in-server")] == [
                "tok-root",
                "tok-jane",
                "tok-nobody",
            ]
            reviewers.on["/in-server"] = failing(403)
            assert (await _as(api, "tok-other")).code == 401
            # A kubeconfig that changes is read again.
            reviewers.on["/moved"] = knows()
            reviewers.kubeconfig("/moved").rename(kubeconfig)
            await until(lambda: _as(api, "tok-other"), lambda answer: answer.code == 403)
            events = json.dumps(api.audit_events())
    assert "the authentication webhook failed" in caplog.text
    assert "tok-" not in caplog.text + events


async def _as(api: Running, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return await api.ask("GET", SECRETS, identity="", headers=headers)


async def test_a_start_with_a_wrong_kubeconfig_fails(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file or directory"):
        async with running(tmp_path, f"{FLAG}-config-file={tmp_path}/none"):
            """Never reached."""


async def test_settings() -> None:
    options = parse_options([]).token_webhook
    assert options.authentication_token_webhook_config_file is None
    assert options.authentication_token_webhook_version == "v1beta1"
    assert options.authentication_token_webhook_cache_ttl == 120
    set_ = [f"{FLAG}-config-file=x", f"{FLAG}-version=v1", f"{FLAG}-cache-ttl=0"]
    assert parse_options(set_).token_webhook == replace(
        options,
        authentication_token_webhook_config_file=Path("x"),
        authentication_token_webhook_version="v1",
        authentication_token_webhook_cache_ttl=0.0,
    )
