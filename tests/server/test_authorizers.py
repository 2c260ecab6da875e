"""The chain of authorizers as its files change, and what may not change."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, generate_latest

from strongroom.access.authz.modes import ALWAYS_ALLOW, ALWAYS_DENY, NODE, RBAC, Always
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes, User
from strongroom.server.authorization_options import AuthorizationOptions
from strongroom.server.authorizers import Authorizers
from strongroom.server.options import parse_options
from strongroom.server.reloading import BadFile
from strongroom.testing.clock import ManualClock
from tests.server.reviewers import Review, Reviewers, always, review_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

WANTED = Attributes(User("jane"), "get", "/metrics")
KNOWN = {
    RBAC: Always(allow=False),
    NODE: Always(allow=False),
    ALWAYS_ALLOW: Always(allow=True),
    ALWAYS_DENY: Always(allow=False),
}
ALLOWED, DENIED = Decision(Verdict.ALLOW), Decision(Verdict.DENY)
NOTHING = Decision(reason="rbac: Everything is forbidden.")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reviewers]:
    async with review_server(tmp_path_factory.mktemp("reviewers")) as server:
        server.on["/allow"] = always(allowed=True)
        server.on["/deny"] = always(allowed=False, denied=True)
        yield server


def own(*types: str) -> list[Review]:
    return [{"type": type_, "name": type_.lower()} for type_ in types]


class Configured:
    """A chain and its file."""

    def __init__(self, reviewers: Reviewers, directory: Path, *authorizers: Review) -> None:
        self.reviewers = reviewers
        self.file = directory / "authorizers.yaml"
        self.write(*authorizers)
        self.registry = CollectorRegistry()
        self.authorizers = Authorizers(self.options, KNOWN, ManualClock())
        self.authorizers.metrics.register(self.registry)

    @property
    def options(self) -> AuthorizationOptions:
        return parse_options([f"--authorization-config={self.file}"]).authorization

    def hook(self, path: str) -> Review:
        """A webhook's entry."""
        kubeconfig = str(self.reviewers.kubeconfig(path))
        return {
            "type": "Webhook",
            "name": "hook",
            "webhook": {
                "timeout": "20s",
                "subjectAccessReviewVersion": "v1",
                "failurePolicy": "NoOpinion",
                "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": kubeconfig},
            },
        }

    def write(self, *authorizers: Review) -> None:
        self.file.write_text(
            json.dumps(
                {
                    "apiVersion": "apiserver.config.k8s.io/v1beta1",
                    "kind": "AuthorizationConfiguration",
                    "authorizers": list(authorizers),
                }
            )
        )

    def spoil(self, hook: Review, content: str) -> None:
        """Write something else into a webhook's kubeconfig."""
        Path(hook["webhook"]["connectionInfo"]["kubeConfigFile"]).write_text(content)

    async def change(self, *authorizers: Review) -> Decision:
        """Write the file, have it read, and ask."""
        self.write(*authorizers)
        await self.authorizers.look()
        return await self.authorizers.authorize(WANTED)

    def count(self, status: str) -> float:
        told = generate_latest(self.registry).decode().splitlines()
        name = "apiserver_authorization_config_controller_automatic_reloads_total"
        return sum(
            float(line.rpartition(" ")[2])
            for line in told
            if line.startswith(name) and f'status="{status}"' in line
        )


@contextlib.asynccontextmanager
async def configured(
    reviewers: Reviewers, directory: Path, *types: str
) -> AsyncIterator[Configured]:
    made = Configured(reviewers, directory, *own(*types))
    try:
        yield made
    finally:
        await made.authorizers.close()


async def test_webhooks_come_change_and_go(reviewers: Reviewers, tmp_path: Path) -> None:
    async with configured(reviewers, tmp_path, RBAC) as one:
        assert await one.authorizers.authorize(WANTED) == NOTHING
        assert await one.change(one.hook("/allow"), *own(RBAC)) == ALLOWED
        assert await one.change(one.hook("/deny"), *own(RBAC)) == DENIED
        assert await one.change(*own(RBAC)) == NOTHING
        assert await one.change(*own(RBAC, "AlwaysAllow")) == ALLOWED
        # What is written again as it was is no change.
        assert await one.change(*own(RBAC, "AlwaysAllow")) == ALLOWED
        assert (one.count("success"), one.count("failure")) == (4, 0)
        assert one.authorizers.exhaustive is False


@pytest.mark.parametrize(
    ("types", "why"),
    [
        ([], "at least one authorization mode must be defined"),
        (["Node"], "missing required types: [RBAC]"),
        (["RBAC", "ABAC"], 'Unsupported value: "ABAC"'),
        (
            ["RBAC", "Node"],
            "authorizer type Node is not allowed if it was not enabled at initial server startup",
        ),
    ],
)
async def test_what_is_wrong_leaves_all_as_it_was(
    reviewers: Reviewers,
    tmp_path: Path,
    types: list[str],
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with configured(reviewers, tmp_path, RBAC) as one:
        hook = one.hook("/allow")
        await one.change(hook, *own(RBAC))
        with caplog.at_level(logging.ERROR):
            assert await one.change(*own(*types)) == ALLOWED
        fields: Any = caplog.records[-1]
        assert why in fields.fields["error"]
        assert (one.count("success"), one.count("failure")) == (1, 1)
        assert await one.change(hook, *own("AlwaysDeny", RBAC)) == ALLOWED
        assert one.count("success") == 2


async def test_files_that_the_file_names_are_followed(reviewers: Reviewers, tmp_path: Path) -> None:
    async with configured(reviewers, tmp_path, RBAC) as one:
        hook = one.hook("/moving")
        reviewers.on["/moving"] = always(allowed=True)
        assert await one.change(hook, *own(RBAC)) == ALLOWED
        one.spoil(hook, "TOP-SECRET: [")
        assert await one.change(hook, *own(RBAC)) == ALLOWED
        assert one.count("failure") == 1
        one.spoil(hook, reviewers.kubeconfig("/deny").read_text())
        await one.authorizers.look()
        # What was kept of the answers went with the webhook.
        assert await one.authorizers.authorize(WANTED) == DENIED


async def test_flags_that_say_the_same(reviewers: Reviewers) -> None:
    flags = [
        "--authorization-mode=RBAC,Webhook",
        f"--authorization-webhook-config-file={reviewers.kubeconfig('/allow')}",
        "--authorization-webhook-version=v1",
    ]
    options = parse_options(flags).authorization
    chain = Authorizers(options, KNOWN, ManualClock())
    assert await chain.authorize(WANTED) == ALLOWED
    assert chain.exhaustive is False
    await chain.close()
    plain = Authorizers(parse_options([]).authorization, KNOWN, ManualClock())
    assert plain.exhaustive is True


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        ("kind: Policy", "failed to load AuthorizationConfiguration from file"),
    ],
)
async def test_a_start_with_a_wrong_file_fails(
    tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "authorizers.yaml"
    if content is not None:
        file.write_text(content)
    options = parse_options([f"--authorization-config={file}"]).authorization
    with pytest.raises(BadFile, match=why) as caught:
        Authorizers(options, KNOWN, ManualClock())
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (
            ["--authorization-config=x", "--authorization-mode=RBAC"],
            (
                "--authorization-config can not be specified when --authorization-mode or "
                "--authorization-webhook-* flags are defined"
            ),
        ),
        (
            ["--authorization-config=x", "--authorization-webhook-version=v1"],
            "--authorization-config can not be specified when",
        ),
        (
            ["--authorization-mode=Webhook"],
            "authorization-mode Webhook's authorization config file not passed",
        ),
        (
            ["--authorization-webhook-config-file=x"],
            "cannot specify --authorization-webhook-config-file without mode Webhook",
        ),
        (["--authorization-webhook-version=v2"], "invalid choice"),
        (["--authorization-webhook-cache-authorized-ttl=-1s"], "expected a duration"),
    ],
)
async def test_flags_that_do_not_go_together(
    flags: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(flags)
    assert why in capsys.readouterr().err


async def test_the_defaults_of_flags() -> None:
    options = parse_options([]).authorization
    assert options.authorization_webhook_version == "v1beta1"
    assert options.authorization_webhook_cache_authorized_ttl == 300
    assert options.authorization_webhook_cache_unauthorized_ttl == 30
    none = ["--authorization-webhook-cache-authorized-ttl=0"]
    assert parse_options(none).authorization.authorization_webhook_cache_authorized_ttl == 0
