"""Who the node is, in files: its certificates with their keys, and how it reaches the API server.

    DIR/kubelet.kubeconfig              names the two files below
    DIR/pki/ca.crt                      whom the node believes to be the API server
    DIR/pki/kubelet-client.pem          what it shows to it: certificate and key
    DIR/pki/kubelet-serving.pem         what it shows to the server that fetches logs

Each file is written whole and is 0600, so that a start after a crash finds the old or the new.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from strongroom.files import private_directory, write_if_changed, write_private
from strongroom.node.certificates import BadCertificate, Life, Request, life_of, make_request
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING

PREFIX = "system:node:"
GROUP = "system:nodes"

_KUBECONFIG = "kubelet.kubeconfig"
_FILES = {KUBELET_CLIENT: "kubelet-client.pem", KUBELET_SERVING: "kubelet-serving.pem"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The node of this name, which keeps its files in ``directory``."""

    directory: Path
    name: str

    @property
    def kubeconfig(self) -> Path:
        return self.directory / _KUBECONFIG

    @property
    def ca_file(self) -> Path:
        return self.directory / "pki" / "ca.crt"

    def file(self, signer: str) -> Path:
        """Where the certificate of this signer and its key are."""
        return self.directory / "pki" / _FILES[signer]

    def request(self, signer: str) -> Request:
        """Ask for a certificate of this signer: with a new key each time."""
        names = (self.name,) if signer == KUBELET_SERVING else ()
        return make_request(PREFIX + self.name, GROUP, names)

    def life(self, signer: str) -> Life | None:
        """The life of the certificate that is there; None when there is none that can be used."""
        try:
            return life_of(self.file(signer).read_bytes(), PREFIX + self.name)
        except (BadCertificate, OSError):
            return None

    def holds(self, signer: str, now: datetime) -> bool:
        """Whether there is a certificate of this signer that is in force."""
        life = self.life(signer)
        return life is not None and life.begin <= now < life.end

    def store(self, signer: str, certificate: bytes, key: bytes) -> None:
        """Keep a certificate with its key. Raises BadCertificate when they do not fit."""
        pair = certificate.rstrip(b"\n") + b"\n" + key
        life_of(pair, PREFIX + self.name)
        private_directory(self.file(signer).parent)
        write_private(self.file(signer), pair)

    @staticmethod
    def name_in(directory: Path) -> str:
        """The name of the node that has joined with this directory; empty when none has."""
        try:
            content = json.loads((directory / _KUBECONFIG).read_bytes())
            user = str(content["users"][0]["name"])
        except (OSError, ValueError, LookupError, TypeError):
            return ""
        return user.removeprefix(PREFIX) if user.startswith(PREFIX) else ""

    def point_to(self, server: str, authority: bytes) -> None:
        """Write down which server the node belongs to, and whom to believe to be it."""
        private_directory(self.ca_file.parent)
        write_if_changed(self.ca_file, authority)
        pair = str(self.file(KUBELET_CLIENT).relative_to(self.directory))
        cluster = {"server": server, "certificate-authority": "pki/ca.crt"}
        user = {"client-certificate": pair, "client-key": pair}
        name = PREFIX + self.name
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "default", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "node", "context": {"cluster": "default", "user": name}}],
            "current-context": "node",
        }
        write_if_changed(self.kubeconfig, json.dumps(content, indent=2).encode() + b"\n")
