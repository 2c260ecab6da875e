"""Webhooks, LimitRanges and quotas as kubectl meets them."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kubectl import Kubectl
from tests.server.admission.hooks import Hooks, answer, hook_server


@pytest.fixture
def hooks(tmp_path: Path) -> Iterator[Hooks]:
    """A webhook server in a thread of its own: kubectl is waited for in this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = hook_server(tmp_path)
    try:
        yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(20)
    finally:
        asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_webhook_changes_warns_and_refuses(kubectl: Kubectl, hooks: Hooks) -> None:
    step = {"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}
    encoded = base64.b64encode(json.dumps([step]).encode()).decode()
    hooks.on["/label"] = lambda review: answer(
        review, patch=encoded, patchType="JSONPatch", warnings=["it was labelled"]
    )
    hooks.on["/judge"] = lambda review: answer(
        review,
        allowed=review["request"]["name"] != "bad",
        status={"message": "bad is bad", "code": 403, "reason": "Forbidden"},
    )
    for kind, path in (("Mutating", "/label"), ("Validating", "/judge")):
        rule = {
            "operations": ["CREATE"],
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["secrets"],
        }
        selector = {"matchLabels": {"kubernetes.io/metadata.name": kubectl.namespace}}
        webhook = {
            "name": f"{path[1:]}.example.com",
            "clientConfig": hooks.config(path),
            "rules": [rule],
            "namespaceSelector": selector,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": f"e2e-{kubectl.namespace}"},
            "webhooks": [webhook],
        }
        made = kubectl.apply(json.dumps(configuration))
        assert made.endswith("created\n")
    done = kubectl.run("create", "secret", "generic", "good")
    assert (done.out, done.err) == ("secret/good created\n", "Warning: it was labelled\n")
    assert kubectl.object("secret", "good")["metadata"]["labels"] == {"seen": "yes"}
    assert kubectl.fails("create", "secret", "generic", "bad") == (
        "Warning: it was labelled\n"
        "error: failed to create secret "
        'admission webhook "judge.example.com" denied the request: bad is bad\n'
    )
    listed = kubectl("get", "mutatingwebhookconfigurations", f"e2e-{kubectl.namespace}")
    assert listed.split()[:5] == ["NAME", "WEBHOOKS", "AGE", f"e2e-{kubectl.namespace}", "1"]
    explained = kubectl("explain", "validatingwebhookconfiguration.webhooks.matchConditions")
    assert "expression\t<string> -required-" in explained
    for kind in ("mutating", "validating"):
        kubectl("delete", f"{kind}webhookconfiguration", f"e2e-{kubectl.namespace}")
