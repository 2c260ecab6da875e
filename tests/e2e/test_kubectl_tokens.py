"""`kubectl create token` and `kubectl auth whoami`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl


def claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def bearer(api: Strongroom, kubectl: Kubectl, token: str) -> Kubectl:
    """kubectl as whoever has the token, which it reads from a file."""
    file = kubectl.directory / "token"
    file.write_text(token)
    config = json.loads(kubectl("config", "view", "--raw", "-o", "json"))
    config["users"] = [{"name": "bearer", "user": {"tokenFile": str(file)}}]
    config["contexts"][0]["context"]["user"] = "bearer"
    kubeconfig = Path(kubectl.directory) / "bearer.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    return Kubectl(kubeconfig, kubectl.namespace, kubectl.directory)


def test_create_token(api: Strongroom, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "bot")
    token = kubectl("create", "token", "bot", "--duration=20m").strip()
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 1200
    as_bot = bearer(api, kubectl, token)
    user = as_bot("auth", "whoami")
    assert f"system:serviceaccount:{kubectl.namespace}:bot" in user
    assert f"[JTI={claims['jti']}]" in user
    assert "Forbidden" in as_bot.fails("get", "secrets")
    whole = json.loads(kubectl("create", "token", "bot", "--audience=a", "--audience=b", "-o=json"))
    assert whole["kind"] == "TokenRequest"
    assert claims_of(whole["status"]["token"])["aud"] == ["a", "b"]
    assert "Unauthorized" in bearer(api, kubectl, whole["status"]["token"]).fails("get", "secrets")
    assert 'serviceaccounts "none" not found' in kubectl.fails("create", "token", "none")
    assert "less than 10 minutes" in kubectl.fails("create", "token", "bot", "--duration=1m")


def test_bound_tokens(api: Strongroom, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "bot")
    kubectl("create", "secret", "generic", "s")
    to_secret = ("--bound-object-kind=Secret", "--bound-object-name=s")
    uid = kubectl("get", "secret", "s", "-o=jsonpath={.metadata.uid}")
    token = kubectl("create", "token", "bot", *to_secret, f"--bound-object-uid={uid}").strip()
    assert claims_of(token)["kubernetes.io"]["secret"] == {"name": "s", "uid": uid}
    wrong = kubectl.fails("create", "token", "bot", *to_secret, "--bound-object-uid=other")
    assert "does not match the UID in record" in wrong
    as_bot = bearer(api, kubectl, token)
    assert "whoami" not in as_bot("auth", "whoami")
    kubectl("delete", "secret", "s")
    assert "Unauthorized" in as_bot.fails("auth", "whoami")
    spec = {"serviceAccountName": "bot", "containers": [{"name": "c", "image": "i"}]}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": spec}
    kubectl.apply(json.dumps(pod))
    to_pod = ("--bound-object-kind=Pod", "--bound-object-name=p")
    token = kubectl("create", "token", "bot", *to_pod).strip()
    assert "pod-name" in bearer(api, kubectl, token)("auth", "whoami")
