"""Calling webhooks that run behind Services."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.codec import from_tree
from strongroom.resources.webhook import WebhookClientConfig
from strongroom.server.webhooks import HTTPWebhookCaller
from tests.server.admission.hooks import answer, hook_server


class Resolver:
    """Every Service is at one address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, str, int]] = []

    def resolve(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        self.asked.append((namespace, name, port))
        return "127.0.0.1", self.port


def config(pem: bytes, **service: Any) -> WebhookClientConfig:
    reference = {"namespace": "default", "name": "hook"} | service
    tree = {"service": reference, "caBundle": base64.b64encode(pem).decode()}
    return from_tree(tree, WebhookClientConfig)


async def test_the_certificate_must_bear_the_name_of_the_service(tmp_path: Path) -> None:
    async with hook_server(tmp_path) as hooks:
        hooks.on["/path"] = answer
        resolver = Resolver(hooks.port)
        caller = HTTPWebhookCaller(resolver)
        question = b'{"request":{"uid":"u"}}'
        try:
            body = await caller.call(config(hooks.pem, path="path", port=8443), question, 5)
            assert b'"uid": "u"' in body
            assert resolver.asked == [("default", "hook", 8443)]
            assert hooks.current is not None
            assert hooks.current.host == "hook.default.svc:8443"
            assert hooks.current.query_string == "timeout=5s"
            with pytest.raises(CallingFailed) as caught:
                await caller.call(config(hooks.pem, name="other"), question, 5)
        finally:
            await caller.close()
    text = str(caught.value)
    start = 'failed to call webhook: Post "https://other.default.svc:443/?timeout=5s": '
    assert text.startswith(start + "tls: failed to verify certificate: x509: ")


async def test_a_bundle_that_holds_no_certificates(tmp_path: Path) -> None:
    caller = HTTPWebhookCaller(Resolver(1))
    with pytest.raises(CallingFailed, match="unable to load root certificates"):
        await caller.call(config(b"nothing"), b"{}", 5)
    await caller.close()
