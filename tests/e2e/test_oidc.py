"""A real OpenID Connect provider (OpenBao), and the real kubectl that logs in at it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.parts import require_part
from tests.waiting import eventually

pytestmark = pytest.mark.needs("bao", "kubectl")

LOGIN = """
import json, ssl, sys, urllib.request
url, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
def ask(path, body=None, **headers):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + path, data, headers)
    return json.load(urllib.request.urlopen(request, context=context))
login = ask("/v1/auth/userpass/login/jane", {"password": "secret-word"})
told = ask("/v1/identity/oidc/token/people", **{"X-Vault-Token": login["auth"]["client_token"]})
print(json.dumps({
    "apiVersion": "client.authentication.k8s.io/v1",
    "kind": "ExecCredential",
    "status": {"token": told["data"]["token"]},
}))
"""
"""What kubectl runs to log in: a password for a token of the provider."""


class Provider:
    """OpenBao over TLS, where jane has a password and tokens tell her team."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"https://{address}"
        self.issuer = f"{self.url}/v1/identity/oidc"
        self.authority = directory / "vault-ca.pem"
        argv = [str(require_part("bao")), "server", "-dev", "-dev-no-store-token", "-dev-tls"]
        argv += [f"-dev-tls-cert-dir={directory}", f"-dev-listen-address={address}"]
        environment = {**os.environ, "HOME": str(directory)}
        with (directory / "bao.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*argv, "-dev-root-token-id=root"], stdout=log, stderr=log, env=environment
            )
        try:
            eventually(self._answers)
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def _prepare(self) -> None:
        self._write("identity/oidc/config", {"issuer": self.url})
        allowed = {"allowed_client_ids": ["*"], "algorithm": "ES256"}
        self._write("identity/oidc/key/people", allowed)
        told = '{"team": "red", "groups": ["tellers"]}'
        role = {"key": "people", "client_id": "room", "ttl": "5m", "template": told}
        self._write("identity/oidc/role/people", role)
        rule = 'path "identity/oidc/token/people" { capabilities = ["read"] }'
        self._write("sys/policies/acl/people", {"policy": rule})
        self._write("sys/auth/userpass", {"type": "userpass"})
        user = {"password": "secret-word", "policies": "people"}
        self._write("auth/userpass/users/jane", user)

    def _write(self, path: str, body: dict[str, Any]) -> None:
        headers = {"X-Vault-Token": "root"}
        request = urllib.request.Request(  # noqa: S310 - of this very server
            f"{self.url}/v1/{path}", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, context=self._context()) as answer:  # noqa: S310 - as above
            assert answer.status < 300

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def _answers(self) -> bool:
        assert self._process.poll() is None
        try:
            with urllib.request.urlopen(  # noqa: S310 - of this very server
                f"{self.url}/v1/sys/health", context=self._context()
            ):
                return True
        except OSError:
            # Not there yet, or not yet ready to talk.
            return False


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    server = Provider(tmp_path)
    yield server
    server.stop()


def configuration(provider: Provider) -> str:
    issuer = {
        "url": provider.issuer,
        "certificateAuthority": provider.authority.read_text(),
        "audiences": ["room"],
    }
    mappings = {
        "username": {"expression": "'bao:' + claims.team"},
        "groups": {"claim": "groups", "prefix": "bao:"},
        "uid": {"claim": "sub"},
    }
    jwt = [{"issuer": issuer, "claimMappings": mappings}]
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return json.dumps(head | {"jwt": jwt})


def as_jane(room: Strongroom, provider: Provider, directory: Path) -> Kubectl:
    """kubectl that logs in at the provider whenever it needs a token."""
    config = json.loads(
        Kubectl(room.kubeconfig, "default", directory)("config", "view", "--raw", "-o", "json")
    )  # fmt: skip - what kubectl is called with
    login = directory / "login.py"
    login.write_text(LOGIN)
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(login), provider.url, str(provider.authority)],
        "interactiveMode": "Never",
    }
    config["users"] = [{"name": "jane", "user": {"exec": program}}]
    config["contexts"][0]["context"]["user"] = "jane"
    kubeconfig = directory / "jane.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    return Kubectl(kubeconfig, "default", directory)


def test_kubectl_logs_in_at_a_provider(provider: Provider, tmp_path: Path) -> None:
    path = tmp_path / "authentication.json"
    path.write_text(configuration(provider))
    with Strongroom.start(
        tmp_path / "room", "apiserver", "--authentication-config", str(path)
    ) as room:
        admin, jane = (
            Kubectl(room.kubeconfig, "default", tmp_path),
            as_jane(room, provider, tmp_path),
        )
        found = eventually(lambda: jane.run("auth", "whoami", "-o=json").out)
        user = json.loads(found)["status"]["userInfo"]
        assert user.pop("uid")
        assert user == {"username": "bao:red", "groups": ["bao:tellers", "system:authenticated"]}
        assert 'User "bao:red" cannot list resource "secrets"' in jane.fails("get", "secrets")
        admin("create", "secret", "generic", "till", "--from-literal=pin=1234")
        admin("create", "role", "tellers", "--verb=get,list", "--resource=secrets")
        admin("create", "rolebinding", "tellers", "--role=tellers", "--group=bao:tellers")
        assert jane("get", "secrets", "-o", "name") == "secret/till\n"
        # The same token by hand, and one that somebody has changed.
        token = login(provider, tmp_path)
        review = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"}
        for shown, holds in ((token, True), (token[:-6] + "AAAAAA", False)):
            body = json.dumps(review | {"spec": {"token": shown}})
            status = json.loads(admin("create", "-f", "-", "-o", "json", stdin=body))["status"]
            assert status.get("authenticated", False) is holds


def login(provider: Provider, directory: Path) -> str:
    argv = [sys.executable, str(directory / "login.py"), provider.url, str(provider.authority)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    told: str = json.loads(done.stdout)["status"]["token"]
    return told
