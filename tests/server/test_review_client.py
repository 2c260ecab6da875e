"""Reviews put to a webhook over real TLS: what is sent, believed, and tried again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from strongroom.access.review import ReviewFailed
from strongroom.kubeconfig import InvalidKubeconfig
from strongroom.server.review_client import DELAYS, MAX_ANSWER, ReviewClient
from strongroom.server.webhook_endpoint import read_endpoint
from strongroom.testing.clock import ManualClock
from tests.server.reviewers import Answer, Review, Reviewers, always, failing, papers, review_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = b'{"spec":{"token":"TOP-SECRET"}}'
AT_ONCE = (0.0,) * len(DELAYS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("reviewers")) as server:
        yield server


class Asked:
    """A client with what it counted."""

    def __init__(self, kubeconfig: Path, seconds: float = 20.0) -> None:
        self.counts: list[tuple[str, int]] = []
        self.client = ReviewClient(
            read_endpoint(kubeconfig),
            ManualClock(),
            seconds=seconds,
            delays=AT_ONCE,
            counted=lambda result, code, seconds: self.counts.append((result, code)),
        )

    async def ask(self) -> Any:
        try:
            return await self.client.ask(BODY, json.loads)
        finally:
            await self.client.close()


async def refused(kubeconfig: Path, seconds: float = 20.0) -> tuple[ReviewFailed, Asked]:
    asked = Asked(kubeconfig, seconds)
    with pytest.raises(ReviewFailed) as caught:
        await asked.ask()
    assert "TOP-SECRET" not in str(caught.value)
    return caught.value, asked


async def test_a_review_is_posted_to_the_very_path_and_its_answer_read(
    reviewers: Reviewers,
) -> None:
    reviewers.on["/a/b"] = always(allowed=True)
    asked = Asked(reviewers.kubeconfig("/a/b", user={"token": "tok"}), seconds=1.5)
    assert (await asked.ask())["status"] == {"allowed": True}
    request, review = reviewers.asked[-1]
    assert review == json.loads(BODY)
    assert request.path_qs == "/a/b?timeout=1.5s"
    assert request.headers["Authorization"] == "Bearer tok"
    assert request.headers["Content-Type"] == "application/json"
    assert asked.counts == [("success", 200)]


async def test_other_ways_to_say_who_asks(reviewers: Reviewers, tmp_path: Path) -> None:
    reviewers.on["/who"] = always(allowed=True)
    file = tmp_path / "token"
    asked = Asked(reviewers.kubeconfig("/who", user={"tokenFile": str(file), "token": "no"}))
    for token in ("one", "two"):
        # Such tokens are renewed while the server runs.
        file.write_text(f"{token}\n")
        await asked.client.ask(BODY, json.loads)
        assert reviewers.asked[-1][0].headers["Authorization"] == f"Bearer {token}"
    file.unlink()
    with pytest.raises(ReviewFailed, match="token file"):
        await asked.ask()
    await Asked(reviewers.kubeconfig("/who", user={"username": "u", "password": "p"})).ask()
    assert reviewers.asked[-1][0].headers["Authorization"] == "Basic dTpw"


async def test_who_is_not_who_they_should_be_is_not_spoken_to(reviewers: Reviewers) -> None:
    reviewers.on["/tls"] = always(allowed=True)
    before = len(reviewers.asked)
    stranger = papers().stranger
    (reviewers.directory / "stranger.pem").write_bytes(stranger.pem + stranger.key_pem)
    one = str(reviewers.directory / "stranger.pem")
    not_ours = {"client-certificate": one, "client-key": one}
    not_ours |= {"client-certificate-data": "", "client-key-data": ""}
    await refused(reviewers.kubeconfig("/tls", user=not_ours))
    other = {"certificate-authority-data": "", "certificate-authority": one}
    error, _ = await refused(reviewers.kubeconfig("/tls", cluster=other))
    assert "x509: certificate signed by unknown authority" in str(error)
    error, _ = await refused(reviewers.kubeconfig("/tls", cluster={"tls-server-name": "other"}))
    assert "failed to verify certificate" in str(error)
    assert len(reviewers.asked) == before


@pytest.mark.parametrize(
    ("code", "headers", "calls", "why"),
    [
        (400, {}, 1, "the server rejected our request for an unknown reason"),
        (401, {}, 1, "the server has asked for the client to provide credentials"),
        (403, {}, 1, "forbidden"),
        (302, {"Location": "/elsewhere"}, 1, "redirect"),
        (503, {}, 1, "currently unable to handle the request"),
        (500, {}, 5, "an error on the server"),
        (504, {}, 5, "unable to return a response in the time allotted"),
        (429, {}, 5, "the server has received too many requests"),
        (503, {"Retry-After": "0"}, 5, "currently unable to handle the request"),
        (403, {"Retry-After": "0"}, 1, "forbidden"),
    ],
)
async def test_what_is_tried_again(
    reviewers: Reviewers, code: int, headers: dict[str, str], calls: int, why: str
) -> None:
    reviewers.on["/fails"] = failing(code, headers=headers)
    error, asked = await refused(reviewers.kubeconfig("/fails"))
    assert why in str(error)
    result = "timeout" if code == 504 else "error"
    assert asked.counts == [(result, code)] * calls
    assert error.late is (code == 504)
    if calls > 1:
        # The last of five may still be answered.
        reviewers.on["/fails"] = failing(code, 4, headers)
        asked = Asked(reviewers.kubeconfig("/fails"))
        assert (await asked.ask())["status"] == {"allowed": True}
        assert asked.counts[-1] == ("success", 200)


async def test_a_slow_one_is_not_waited_for(reviewers: Reviewers) -> None:
    async def never(review: Review) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    reviewers.on["/slow"] = never
    error, asked = await refused(reviewers.kubeconfig("/slow"), seconds=0.2)
    assert str(error).endswith('/slow?timeout=0.2s": context deadline exceeded')
    assert error.late
    assert asked.counts == [("timeout", 0)]


async def test_a_dying_one_is_asked_again(reviewers: Reviewers) -> None:
    reviewers.on["/dies"] = reviewers.dying
    error, asked = await refused(reviewers.kubeconfig("/dies"))
    assert str(error).endswith(": EOF")
    assert asked.counts == [("error", 0)] * 5
    gone = reviewers.kubeconfig("/dies", cluster={"server": "https://127.0.0.1:1/x"})
    error, asked = await refused(gone)
    assert str(error).endswith("connect: connection refused")
    assert len(asked.counts) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.Response(body=b" " * (MAX_ANSWER + 1)), "the answer is larger than"),
        (
            lambda: web.Response(body=b"{}", headers={"Content-Encoding": "gzip"}),
            "the answer is encoded, which was not asked for",
        ),
    ],
)
async def test_no_more_is_read_than_an_answer(reviewers: Reviewers, answer: Any, why: str) -> None:
    reviewers.on["/lies"] = lambda review: answer()
    error, asked = await refused(reviewers.kubeconfig("/lies"))
    assert why in str(error)
    assert len(asked.counts) == 1


async def test_who_hangs_up_is_counted_and_who_is_retired_answers_to_the_end(
    reviewers: Reviewers,
) -> None:
    here, go = asyncio.Event(), asyncio.Event()

    async def waits(review: Review) -> Answer:
        here.set()
        await go.wait()
        return review | {"status": {"allowed": True}}

    reviewers.on["/waits"] = waits
    asked = Asked(reviewers.kubeconfig("/waits"))
    first = asyncio.create_task(asked.client.ask(BODY, json.loads))
    await here.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert asked.counts == [("canceled", 0)]
    here.clear()
    second = asyncio.create_task(asked.client.ask(BODY, json.loads))
    await here.wait()
    await asked.client.retire()
    go.set()
    assert (await second)["status"] == {"allowed": True}
    # Whoever had the old one in hand a moment before still gets an answer.
    assert (await asked.client.ask(BODY, json.loads))["status"] == {"allowed": True}


@pytest.mark.parametrize(
    ("cluster", "user", "why"),
    [
        ({"server": "http://127.0.0.1/x"}, {}, 'cluster "there" needs a server that is a plain'),
        ({"server": "https://u:TOP-SECRET@h/x"}, {}, 'cluster "there" needs a server'),
        ({"insecure-skip-tls-verify": True}, {}, "would let anybody answer"),
        ({"proxy-url": "http://proxy"}, {}, "proxy-url is not supported"),
        ({}, {"exec": {"command": "x"}}, "exec is not supported"),
        ({}, {"client-key-data": ""}, "a client certificate and its client key go together"),
        ({}, {"client-key-data": "VE9QLVNFQ1JFVA=="}, "certificate and its key are unusable"),
        ({"certificate-authority-data": "VE9QLVNFQ1JFVA=="}, {}, "not a PEM certificate"),
        ({"certificate-authority-data": "TOP-SECRET!"}, {}, "is not base64"),
    ],
)
async def test_what_would_not_be_safe_is_refused(
    reviewers: Reviewers, cluster: Review, user: Review, why: str
) -> None:
    path = reviewers.kubeconfig("/unsafe", cluster=cluster, user=user)
    with pytest.raises(InvalidKubeconfig, match=why) as caught:
        read_endpoint(path)
    assert str(path) in str(caught.value)
    assert "TOP-SECRET" not in str(caught.value)


async def test_a_kubeconfig_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidKubeconfig, match="No such file"):
        read_endpoint(tmp_path / "none")
    (tmp_path / "empty").write_text("")
    with pytest.raises(InvalidKubeconfig, match="no current context"):
        read_endpoint(tmp_path / "empty")


async def test_a_credential_in_the_query_is_sent_and_not_told(
    reviewers: Reviewers, caplog: pytest.LogCaptureFixture
) -> None:
    reviewers.on["/query"] = failing(403)
    server = f"https://127.0.0.1:{reviewers.port}/query?key=TOP-SECRET"
    with caplog.at_level(logging.DEBUG, "strongroom"):
        await refused(reviewers.kubeconfig("/query", cluster={"server": server}))
    assert reviewers.asked[-1][0].query["key"] == "TOP-SECRET"
    assert "TOP-SECRET" not in caplog.text
