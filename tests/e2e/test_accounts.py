"""Pods as ServiceAccounts: the real clients in them, the end of their tokens, OpenBao."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import pod, secret
from tests.parts import require_part
from tests.waiting import eventually

FILES = "/var/run/secrets/kubernetes.io/serviceaccount"

WHO_AND_WHAT = f"""
from kubernetes import client, config
config.load_incluster_config()
who = client.AuthenticationV1Api().create_self_subject_review({{}}).status.user_info
print(who.username, who.extra["authentication.kubernetes.io/pod-name"])
namespace = open("{FILES}/namespace").read()
print(client.CoreV1Api().read_namespaced_secret("mine", namespace).data)
try:
    client.CoreV1Api().read_namespaced_secret("other", namespace)
except client.ApiException as error:
    print(error.status)
"""


def reader(pods: Kubectl) -> None:
    """An account `reader` whose role lets it read the Secret `mine` and no other."""
    pods("create", "serviceaccount", "reader")
    pods.apply(secret("mine", k="v1"))
    pods.apply(secret("other", k="v2"))
    pods("create", "role", "r", "--verb=get", "--resource=secrets", "--resource-name=mine")
    account = f"{pods.namespace}:reader"
    pods("create", "rolebinding", "r", "--role=r", f"--serviceaccount={account}")


def ended(pods: Kubectl, name: str) -> str:
    """What a pod has written, once it has done its work."""
    found = eventually(
        lambda: (
            (p := pods("get", "pod", name, "-o", "jsonpath={.status.phase}")) != "Running"
            and p != "Pending"
            and p
        ),
        seconds=60,
    )
    written = pods("logs", name, "--all-containers")
    assert found == "Succeeded", written
    return written


def test_the_official_clients_in_a_pod(pods: Kubectl) -> None:
    """`load_incluster_config` of the Python client, and kubectl without any configuration."""
    reader(pods)
    kubectl = require_part("kubectl")
    get = f"{kubectl} get secret mine -o 'jsonpath={{.data.k}}'; echo; {kubectl} get secret other"
    second = {"name": "kubectl", "image": "none", "command": ["sh", "-c", f"{get} 2>&1 || true"]}
    main = {"name": "main", "image": "none", "command": [sys.executable, "-c", WHO_AND_WHAT]}
    spec = {"serviceAccountName": "reader", "containers": [main, second]}
    pods.apply(pod("p", "", spec=spec))
    user = f"system:serviceaccount:{pods.namespace}:reader"
    assert ended(pods, "p").splitlines() == [
        f"{user} ['p']",
        "{'k': 'djE='}",
        "403",
        "djE=",
        (
            f'Error from server (Forbidden): secrets "other" is forbidden: User "{user}" cannot '
            f'get resource "secrets" in API group "" in the namespace "{pods.namespace}"'
        ),
    ]


def test_what_a_pod_finds_without_asking(pods: Kubectl) -> None:
    script = f"cd {FILES}; ls; cat namespace; echo; cat ca.crt; stat -Lc '%a' token"
    pods.apply(pod("p", script))
    authority = pods("get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}")
    written = ended(pods, "p")
    files = "ca.crt\nnamespace\ntoken\n"
    assert written == f"{files}{pods.namespace}\n{authority.rstrip()}\n644\n"
    off = {"automountServiceAccountToken": False}
    pods.apply(pod("q", f"ls {FILES} 2>&1 || true", spec=off))
    assert "No such file" in ended(pods, "q")


@dataclass(frozen=True)
class Bearer:
    """Asks the API server as whoever has a token."""

    room: Strongroom
    token: str

    def code(self, path: str) -> int:
        """The status of a GET."""
        authority = self.room.kubeconfig.parent / "pki" / "ca.crt"
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.room.url + path, headers=headers)  # noqa: S310 - https
        context = ssl.create_default_context(cafile=str(authority))
        try:
            with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - https
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


def test_a_pods_token_ends_with_it(pods: Kubectl, room: Strongroom) -> None:
    """No later than the deletion is acknowledged: the very next request is refused."""
    reader(pods)
    script = f"cat {FILES}/token; echo; exec sleep 1000"
    pods.apply(pod("p", script, spec={"serviceAccountName": "reader"}))

    def shown() -> str:
        return pods.run("logs", "p").out.strip()

    token = eventually(shown, seconds=60)
    bearer, path = Bearer(room, token), f"/api/v1/namespaces/{pods.namespace}/secrets/mine"
    assert bearer.code(path) == 200
    pods("delete", "pod", "p", "--grace-period=0", "--force", "--wait=false")
    assert bearer.code(path) == 401


class Bao:
    """An OpenBao server of a test's own, which forgets everything at its end."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        argv = [str(require_part("bao")), "server", "-dev", "-dev-no-store-token"]
        argv += [f"-dev-listen-address={address}", "-dev-root-token-id=root"]
        environment = {**os.environ, "HOME": str(directory)}
        with (directory / "bao.log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        try:
            eventually(self._answers)
        except BaseException:
            self.stop()
            raise

    def write(self, path: str, body: dict[str, Any]) -> None:
        """POST as the administrator."""
        headers = {"X-Vault-Token": "root"}
        request = urllib.request.Request(  # noqa: S310 - of this very server
            f"{self.url}/v1/{path}", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            assert answer.status < 300

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self._process.poll() is None
        try:
            with urllib.request.urlopen(f"{self.url}/v1/sys/health"):  # noqa: S310 - as above
                return True
        except OSError:
            # Not there yet, or not yet ready to talk.
            return False


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[Bao]:
    server = Bao(tmp_path)
    yield server
    server.stop()


LOGIN = """
import json, sys, urllib.request
url, path = sys.argv[1:]
def ask(path, body=None, **headers):
    data = json.dumps(body).encode() if body else None
    return json.load(urllib.request.urlopen(urllib.request.Request(url + path, data, headers)))
jwt = open(path).read()
token = ask("/v1/auth/kubernetes/login", {"role": "app", "jwt": jwt})["auth"]
print(token["metadata"]["service_account_name"], token["policies"])
secret = ask("/v1/secret/data/db", **{"X-Vault-Token": token["client_token"]})
print(secret["data"]["data"]["password"])
"""


@pytest.mark.needs("bao")
def test_a_pod_logs_in_to_openbao(pods: Kubectl, room: Strongroom, bao: Bao) -> None:
    """Its Kubernetes auth asks our TokenReview, with a token of ours, about a token of ours."""
    namespace = pods.namespace
    for account in ("app", "bao"):
        pods("create", "serviceaccount", account)
    delegate = ["--clusterrole=system:auth-delegator", f"--serviceaccount={namespace}:bao"]
    pods("create", "clusterrolebinding", f"{namespace}-bao", *delegate)
    bao.write("sys/auth/kubernetes", {"type": "kubernetes"})
    config = {
        "kubernetes_host": room.url,
        "kubernetes_ca_cert": (room.kubeconfig.parent / "pki" / "ca.crt").read_text(),
        "token_reviewer_jwt": pods("create", "token", "bao").strip(),
    }
    bao.write("auth/kubernetes/config", config)
    allowed = {
        "bound_service_account_names": "app",
        "bound_service_account_namespaces": namespace,
        "audience": "bao",
        "policies": "app",
    }
    bao.write("auth/kubernetes/role/app", allowed)
    policy = 'path "secret/data/db" { capabilities = ["read"] }'
    bao.write("sys/policies/acl/app", {"policy": policy})
    bao.write("secret/data/db", {"data": {"password": "from the vault"}})
    projected = {"serviceAccountToken": {"path": "token", "audience": "bao"}}
    spec = {
        "serviceAccountName": "app",
        "volumes": [{"name": "bao", "projected": {"sources": [projected]}}],
    }
    command = [sys.executable, "-c", LOGIN, bao.url, "/bao/token"]
    mount = [{"name": "bao", "mountPath": "/bao"}]
    pods.apply(pod("p", "", spec=spec, command=command, volumeMounts=mount))
    assert ended(pods, "p").splitlines() == ["app ['app', 'default']", "from the vault"]
