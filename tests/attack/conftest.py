"""The server under attack, which has two processes; who attacks it, and what they are after."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.access.authn.certifying import CLIENT, Holder, make, pem_of, revoking
from tests.attack.attacker import TREASURE, Attacker

NOW = datetime.now(UTC)
RBAC = "/apis/rbac.authorization.k8s.io/v1"
VICTIM, OWN = "/api/v1/namespaces/team-a", "/api/v1/namespaces/team-m"
"""Where the treasure is, and the namespace in which mallory may do everything."""


def holder(name: str, by: Holder | None = None, *organizations: str, **more: Any) -> Holder:
    dates = {"begins": NOW - timedelta(days=2), "ends": NOW + timedelta(days=30)}
    return make(name, by, organizations=organizations, **(dates | more))


@dataclass
class Target:
    """The server, and how to reach it as whom."""

    room: Strongroom
    directory: Path
    clients: Holder
    proxies: Holder
    known: dict[str, Holder] = field(default_factory=dict)
    askers: dict[tuple[int, str], Attacker] = field(default_factory=dict)

    def showing(self, shown: Holder | None, token: str = "") -> Attacker:
        """Somebody who shows this certificate, or none."""
        number = shown.certificate.serial_number if shown else 0
        if (number, token) not in self.askers:
            self.askers[number, token] = self._asker(shown, token)
        return self.askers[number, token]

    def _asker(self, shown: Holder | None, token: str) -> Attacker:
        own = self.room.kubeconfig.parent / "pki" / "ca.crt"
        context = ssl.create_default_context(cafile=str(own))
        if shown is not None:
            path = self.directory / f"{shown.certificate.serial_number}.pem"
            if not path.exists():
                path.write_bytes(shown.pem + shown.key_pem)
            context.load_cert_chain(path)
        return Attacker(self.room.port, context, token)

    def user(self, name: str, *groups: str) -> Attacker:
        """Somebody whose certificate is in order."""
        if name not in self.known:
            self.known[name] = holder(name, self.clients, *groups, purposes=[CLIENT])
        return self.showing(self.known[name])

    @property
    def admin(self) -> Attacker:
        return self.user("root", "system:masters")

    @property
    def mallory(self) -> Attacker:
        """May do everything in team-m that an administrator of a namespace may."""
        return self.user("mallory")

    @property
    def nobody(self) -> Attacker:
        """Shows nothing."""
        return self.showing(None)

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have the administrator create an object."""
        answer = self.admin.ask("POST", path, body)
        assert answer.code == 201, answer.body
        return dict(answer.json)

    def allow(self, name: str, where: str, *rules: dict[str, Any]) -> None:
        """Let a user of this name do what the rules say in a namespace."""
        path = f"{RBAC}/namespaces/{where}"
        self.make(f"{path}/roles", {"metadata": {"name": name}, "rules": rules})
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        self.make(f"{path}/rolebindings", binding(name, ref))


def binding(name: str, ref: dict[str, str]) -> dict[str, Any]:
    """A binding of a user and a role of the same name."""
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]}


def secret(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "stringData": data}


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    directory = tmp_path_factory.mktemp("attack")
    clients, proxies = holder("clients", ca=True), holder("proxies", ca=True)
    (directory / "clients.crt").write_bytes(clients.pem)
    (directory / "proxies.crt").write_bytes(proxies.pem)
    revoked = holder("rita", clients, "system:masters", purposes=[CLIENT])
    crl = revoking(clients, revoked, next_update=NOW + timedelta(days=1))
    (directory / "revoked.crl").write_bytes(pem_of(crl))
    room = Strongroom.start(
        directory,
        "apiserver",
        *("--workers", "2"),
        *("--client-ca-file", str(directory / "clients.crt")),
        *("--client-ca-crl-file", str(directory / "revoked.crl")),
        *("--requestheader-client-ca-file", str(directory / "proxies.crt")),
        *("--requestheader-allowed-names", "front-proxy"),
        *("--requestheader-username-headers", "X-Remote-User"),
        *("--requestheader-group-headers", "X-Remote-Group"),
        *("--requestheader-uid-headers", "X-Remote-Uid"),
        *("--requestheader-extra-headers-prefix", "X-Remote-Extra-"),
    )
    with room:
        found = Target(room, directory, clients, proxies, {"rita": revoked})
        _furnish(found)
        yield found
        for asker in found.askers.values():
            asker.close()


def _furnish(target: Target) -> None:
    for name in ("team-a", "team-m"):
        target.make("/api/v1/namespaces", {"metadata": {"name": name}})
    target.make(f"{VICTIM}/secrets", secret("treasure", gold=TREASURE))
    target.make(f"{VICTIM}/secrets", secret("other", silver=TREASURE))
    for number in range(3):
        target.make(f"{OWN}/secrets", secret(f"mine-{number}", key="mine"))
        target.make(f"{OWN}/configmaps", {"metadata": {"name": f"mine-{number}"}})
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
    core = ["secrets", "configmaps", "events", "pods", "services", "serviceaccounts"]
    target.allow(
        "mallory",
        "team-m",
        {"apiGroups": [""], "resources": [*core, "serviceaccounts/token"], "verbs": verbs},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["roles", "rolebindings"],
            "verbs": verbs,
        },
    )
