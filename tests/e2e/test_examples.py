"""Every file in examples/ is applied and does what it says it does."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import yaml

from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SECRETS = {
    "basic-auth": ("kubernetes.io/basic-auth", {"username": "admin", "password": "t0p-Secret"}),
    "bootstrap-token": (
        "bootstrap.kubernetes.io/token",
        {
            "token-id": "5emitj",
            "token-secret": "kq4gihvszzgn1p0r",
            "description": "a token for the documentation",
            "expiration": "2030-01-01T00:00:00Z",
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
            "auth-extra-groups": "system:bootstrappers:workers",
        },
    ),
    "custom-type": ("example.test/api-key", {"key": "t0p-Secret"}),
    "dockercfg": (
        "kubernetes.io/dockercfg",
        {
            ".dockercfg": '{"registry.example.test": '
            '{"username": "robot", "password": "t0p-Secret"}}\n'
        },
    ),
    "dockerconfigjson": (
        "kubernetes.io/dockerconfigjson",
        {
            ".dockerconfigjson": '{"auths": {"registry.example.test": '
            '{"username": "robot", "password": "t0p-Secret"}}}\n'
        },
    ),
    "opaque": ("Opaque", {"username": "admin", "password": "t0p-Secret"}),
    "ssh-auth": ("kubernetes.io/ssh-auth", {"ssh-privatekey": "the text of a private key file"}),
}
"""Type and decoded data of the Secret in each file of examples/secrets (two have a test below)."""

LOGS = {
    "dotfiles": "plain: \nt0p-Secret",
    "env": "USERNAME=admin PASSWORD=t0p-Secret URL=https://admin@db.example.test\n",
    "envfrom": ("DB_PASSWORD=t0p-Secret\nDB_USERNAME=admin\nPASSWORD=t0p-Secret\nUSERNAME=admin\n"),
    "immutable": "1234-5678",
    "items": "my-group\nmy-group/user=admin\n",
    "modes": "private 400\npublic 444\n",
    "optional": "files: 0, TOKEN: unset\n",
    "volume": "password=t0p-Secret\nusername=admin\n",
}
"""What the pod in each file of examples/pods prints."""

OWN_TEST = {"secrets/tls.yaml", "secrets/service-account-token.yaml"}
ELSEWHERE = {
    "admission",
    "alerts",
    "audit",
    "authentication",
    "authorization",
    "certificates",
    "custom",
    "encryption",
    "import",
    "environments",
    "hello",
    "prometheus",
    "sharing",
    "storage",
    "usage",
}
"""Examples that have a test of their own, here or in tests/test_docs.py."""


def test_every_example_is_run_here() -> None:
    expected = {f"secrets/{name}.yaml" for name in SECRETS} | {f"pods/{name}.yaml" for name in LOGS}
    expected |= OWN_TEST
    found = set()
    for path in EXAMPLES.rglob("*"):
        relative = path.relative_to(EXAMPLES)
        if path.is_file() and relative.suffix != ".md":
            whole = relative.parts[0] in ELSEWHERE
            found.add(relative.parts[0] if whole else relative.as_posix())
    assert found == expected | ELSEWHERE


def applied(kubectl: Kubectl, path: Path) -> dict[str, object]:
    """Apply a file and give the Secret that it makes, as it is read back."""
    documents = list(yaml.safe_load_all(path.read_text()))
    secret = next(d for d in documents if d["kind"] == "Secret")
    home = secret["metadata"].get("namespace", kubectl.namespace)
    kubectl("apply", "-n", home, "-f", str(path))
    read: dict[str, object] = kubectl.object("secret", secret["metadata"]["name"], "-n", home)
    return read


def decoded(secret: dict[str, object]) -> dict[str, str]:
    """A Secret's data as text."""
    data = secret.get("data", {})
    assert isinstance(data, dict)
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@pytest.mark.parametrize("name", SECRETS)
def test_secret(kubectl: Kubectl, name: str) -> None:
    secret = applied(kubectl, EXAMPLES / "secrets" / f"{name}.yaml")
    assert (secret["type"], decoded(secret)) == SECRETS[name]


def test_service_account_token_secret(kubectl: Kubectl) -> None:
    made = applied(kubectl, EXAMPLES / "secrets" / "service-account-token.yaml")
    assert made["type"] == "kubernetes.io/service-account-token"
    filled = eventually(lambda: decoded(kubectl.object("secret", "robot-token")))
    assert filled.keys() == {"ca.crt", "namespace", "token"}
    assert filled["namespace"] == kubectl.namespace


def test_tls_secret(kubectl: Kubectl) -> None:
    path = EXAMPLES / "secrets" / "tls.yaml"
    secret = applied(kubectl, path)
    assert secret["type"] == "kubernetes.io/tls"
    assert decoded(secret) == yaml.safe_load(path.read_text())["stringData"]


@pytest.mark.parametrize("name", LOGS)
def test_pod(pods: Kubectl, name: str) -> None:
    pods("apply", "-f", str(EXAMPLES / "pods" / f"{name}.yaml"))
    pods("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert pods("logs", name) == LOGS[name]


def test_the_immutable_example_cannot_change(kubectl: Kubectl) -> None:
    applied(kubectl, EXAMPLES / "pods" / "immutable.yaml")
    said = kubectl.fails("patch", "secret", "immutable", "-p", '{"stringData":{"licence":"x"}}')
    assert "field is immutable when `immutable` is set" in said


def test_two_environments_from_one_pod(pods: Kubectl) -> None:
    for environment in ("prod", "test"):
        pods("apply", "-k", str(EXAMPLES / "environments" / environment))
    for environment in ("prod", "test"):
        name = f"{environment}-db-client"
        pods("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        assert pods("logs", name) == f"{environment}-user@db.{environment}.example.test\n"


def test_hello_follows_its_secret(pods: Kubectl) -> None:
    def log() -> str:
        return pods.run("logs", "hello").out

    pods("apply", "-f", str(EXAMPLES / "hello"))
    pods("wait", "pod/hello", "--for=condition=Ready", "--timeout=60s")
    first = "environment: GREETING = good morning\nfile:        greeting = good morning\n"
    eventually(lambda: log() == first)
    pods("patch", "secret", "hello", "-p", '{"stringData":{"greeting":"good night"}}')
    line = r"changed:     greeting = good night \(seen at \d+\.\d{6}\)\n"
    eventually(lambda: re.fullmatch(re.escape(first) + line, log()))
