"""Reading requests for certificates, and what each of Kubernetes' signers demands of one.

Sources: ``pkg/apis/certificates/helpers.go``, ``pkg/controller/certificates/signer``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from strongroom.resources import pem
from strongroom.resources.signer_names import (
    KUBE_APISERVER_CLIENT,
    KUBELET_CLIENT,
    KUBELET_SERVING,
    LEGACY_UNKNOWN,
)

NODE_PREFIX = "system:node:"
NODES = "system:nodes"

_SIGNATURE, _ENCIPHERMENT = "digital signature", "key encipherment"
_CLIENT, _SERVER = "client auth", "server auth"


class InvalidRequest(Exception):
    """What is asked for cannot be given; the text is fit for whoever asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was read: whose it is to be, for which names, with which key."""

    csr: x509.CertificateSigningRequest

    @property
    def common_name(self) -> str:
        """The last common name of the subject, as Go reads it; empty without one."""
        return next(reversed(self._of_subject(NameOID.COMMON_NAME)), "")

    @property
    def organizations(self) -> list[str]:
        return self._of_subject(NameOID.ORGANIZATION_NAME)

    @property
    def names(self) -> Sequence[x509.GeneralName]:
        """The alternative names that certificates carry over."""
        kinds = (x509.DNSName, x509.RFC822Name, x509.IPAddress, x509.UniformResourceIdentifier)
        try:
            found = self.csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return [name for name in found.value if isinstance(name, kinds)]

    def has(self, kind: type[x509.GeneralName]) -> bool:
        """Whether there is an alternative name of this kind."""
        return any(isinstance(name, kind) for name in self.names)

    def _of_subject(self, oid: x509.ObjectIdentifier) -> list[str]:
        return [str(each.value) for each in self.csr.subject.get_attributes_for_oid(oid)]


def read(text: bytes) -> Asked:
    """A request in PEM whose signature holds. Raises InvalidRequest."""
    block = pem.first(text)
    if block is None or block.type != pem.CERTIFICATE_REQUEST:
        raise InvalidRequest("PEM block type must be CERTIFICATE REQUEST")
    try:
        csr = x509.load_der_x509_csr(block.content)
        holds = csr.is_signature_valid
        asked = Asked(csr)
        # Extensions are parsed when they are first looked at.
        len(asked.names)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidRequest("the request cannot be read") from error
    if not holds:
        raise InvalidRequest("the signature of the request does not hold")
    return asked


def kubelet_client_problem(asked: Asked, usages: Collection[str]) -> str:
    """Why this is no request for a node's client certificate; empty when it is one."""
    return (
        _nodes_problem(asked)
        or _no(asked, x509.DNSName, "DNS")
        or _no(asked, x509.RFC822Name, "Email")
        or _no(asked, x509.IPAddress, "IP")
        or _no(asked, x509.UniformResourceIdentifier, "URI")
        or _name_problem(asked)
        or _usages_problem(usages, _CLIENT)
    )


def kubelet_serving_problem(asked: Asked, usages: Collection[str]) -> str:
    """Why this is no request for a node's serving certificate; empty when it is one."""
    return (
        _nodes_problem(asked)
        or _nowhere(asked)
        or _no(asked, x509.RFC822Name, "Email")
        or _no(asked, x509.UniformResourceIdentifier, "URI")
        or _usages_problem(usages, _SERVER)
        or _name_problem(asked)
    )


def client_problem(asked: Asked, usages: Collection[str]) -> str:
    """Why this is no request for a client certificate; empty when it is one."""
    for usage in usages:
        if usage not in (_SIGNATURE, _ENCIPHERMENT, _CLIENT):
            return f"invalid usage for client certificate: {usage}"
    if _CLIENT not in usages:
        return f"missing required usage for client certificate: {_CLIENT}"
    return ""


PROBLEMS: dict[str, Callable[[Asked, Collection[str]], str]] = {
    KUBE_APISERVER_CLIENT: client_problem,
    KUBELET_CLIENT: kubelet_client_problem,
    KUBELET_SERVING: kubelet_serving_problem,
    LEGACY_UNKNOWN: lambda asked, usages: "",
}
"""The signers that a cluster's authority stands behind, and what each demands."""


def _nodes_problem(asked: Asked) -> str:
    return "" if asked.organizations == [NODES] else "subject organization is not system:nodes"


def _name_problem(asked: Asked) -> str:
    if asked.common_name.startswith(NODE_PREFIX):
        return ""
    return "subject common name does not begin with system:node:"


def _no(asked: Asked, kind: type[x509.GeneralName], what: str) -> str:
    return f"{what} subjectAltNames are not allowed" if asked.has(kind) else ""


def _nowhere(asked: Asked) -> str:
    somewhere = asked.has(x509.DNSName) or asked.has(x509.IPAddress)
    return "" if somewhere else "DNS or IP subjectAltName is required"


def _usages_problem(usages: Collection[str], purpose: str) -> str:
    without = {_SIGNATURE, purpose}
    if set(usages) in (without, without | {_ENCIPHERMENT}):
        return ""
    listed = " ".join(sorted(without | {_ENCIPHERMENT}))
    return f"usages did not match [{listed}]"
