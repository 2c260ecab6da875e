"""The certificates of an installation, in ``DIR/pki``: made at first start, renewed at later ones.

    ca.crt ca.key                        signs everything below
    apiserver.crt .key                   what the API server shows (localhost, kubernetes…, --bind)
    apiserver-kubelet-client.crt .key    what it shows to nodes when it fetches logs
    admin.crt .key                       system:masters; in DIR/admin.kubeconfig
    controller-manager.crt .key          in controller-manager.kubeconfig
    scheduler.crt .key                   in scheduler.kubeconfig
    node.crt .key                        system:node:NAME of the node started beside the server
    node-serving.crt .key                what that node's own server shows

A certificate is made anew when it nears its end, was signed by another authority, or no longer says
what it should (another ``--bind``, another host name). All files are 0600.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from strongroom.access.user import MASTERS, NODE_PREFIX, NODES
from strongroom.files import private_directory, write_private
from strongroom.server.certificates import Pair, Wanted, is_authority, issue, make_ca, still_good
from strongroom.server.kubeconfig import write_kubeconfig

WILDCARDS = frozenset({"", "0.0.0.0", "::"})
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SERVICE = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")


class PKIError(Exception):
    """The authority in the data directory cannot be used; the text names the file and why."""


@dataclass(frozen=True, slots=True)
class PKI:
    """Where the certificates of an installation are."""

    directory: Path

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.crt"

    def files(self, name: str) -> tuple[Path, Path]:
        """The certificate's and the key's path of a pair."""
        return self.directory / f"{name}.crt", self.directory / f"{name}.key"

    def pair(self, name: str) -> Pair:
        """Read a pair. Raises FileNotFoundError when there is none."""
        certificate, key = self.files(name)
        return Pair(certificate.read_bytes(), key.read_bytes())

    def store(self, name: str, pair: Pair) -> None:
        """Write a pair; the key first, so that a certificate always has its key beside it."""
        certificate, key = self.files(name)
        write_private(key, pair.key)
        write_private(certificate, pair.certificate)


def prepare_pki(
    directory: Path, bind: str, node_name: str, now: datetime, endpoint: str | None = None
) -> PKI:
    """Make or renew what is missing or worn. Raises PKIError for an authority that cannot sign.

    ``endpoint`` is a URL whose host the server's certificate names too.
    """
    pki = PKI(private_directory(directory))
    ca = _authority(pki, now)
    for name, wanted in _leaves(bind, node_name, endpoint).items():
        try:
            current = pki.pair(name)
        except FileNotFoundError:
            current = None
        if current is None or not still_good(current, ca, wanted, now):
            pki.store(name, issue(ca, wanted, now))
    return pki


def write_kubeconfigs(pki: PKI, admin: Path, server: str, endpoint: str | None = None) -> None:
    """Kubeconfigs of the components, towards this server, and of the admin.

    The admin's leads to ``endpoint``, where there is one.
    """
    admin.parent.mkdir(parents=True, exist_ok=True)
    for name, user, path in (
        ("admin", "admin", admin),
        ("controller-manager", "system:kube-controller-manager", None),
        ("scheduler", "system:kube-scheduler", None),
        ("node", "node", None),
    ):
        write_kubeconfig(
            path or pki.directory / f"{name}.kubeconfig",
            server=endpoint if endpoint and name == "admin" else server,
            ca=pki.ca_file.read_bytes(),
            user=user,
            pair=pki.pair(name),
        )


def _authority(pki: PKI, now: datetime) -> Pair:
    try:
        ca = pki.pair("ca")
    except FileNotFoundError:
        if pki.ca_file.exists():
            raise PKIError(f"{pki.directory}/ca.key is missing; ca.crt is there") from None
        ca = make_ca(now)
        pki.store("ca", ca)
        return ca
    try:
        good = is_authority(ca, now)
    except ValueError as error:
        raise PKIError(f"{pki.directory}/ca.crt or ca.key cannot be read") from error
    if not good:
        raise PKIError(f"{pki.directory}/ca.crt is expired, no authority, or not ca.key's")
    return ca


def _leaves(bind: str, node_name: str, endpoint: str | None) -> dict[str, Wanted]:
    hosts = _unique([*_serving_hosts(bind), urlsplit(endpoint or "").hostname or ""])
    return {
        "apiserver": Wanted("kube-apiserver", hosts=hosts, server=True),
        "apiserver-kubelet-client": Wanted(
            "kube-apiserver-kubelet-client", ("kubeadm:cluster-admins",), client=True
        ),
        "admin": Wanted("kubernetes-admin", (MASTERS,), client=True),
        "controller-manager": Wanted("system:kube-controller-manager", client=True),
        "scheduler": Wanted("system:kube-scheduler", client=True),
        "node": Wanted(NODE_PREFIX + node_name, (NODES,), client=True),
        "node-serving": Wanted(
            NODE_PREFIX + node_name, (NODES,), hosts=_unique([node_name, *_LOCAL]), server=True
        ),
    }


def _serving_hosts(bind: str) -> tuple[str, ...]:
    cluster = "kubernetes.default.svc.cluster.local"
    bound = [] if bind in WILDCARDS else [bind]
    return _unique([*_LOCAL, *_SERVICE, cluster, *bound, *_own_names(bind)])


def _own_names(bind: str) -> Iterable[str]:
    """The host's name, and its addresses when all of them are bound."""
    name = socket.gethostname().lower()
    yield name
    if bind in WILDCARDS:
        try:
            found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
        except OSError:
            return
        yield from sorted({str(entry[4][0]).partition("%")[0] for entry in found})


def _unique(hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(h for h in hosts if h and h.isascii()))
