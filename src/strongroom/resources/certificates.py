"""What the kinds of certificates.k8s.io ask of whoever can read certificates.

Kinds do no cryptography: who serves them gives them a reader that does. Without one (a client only
carries the objects) what needs it is not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

GROUP = "certificates.k8s.io"
API_PACKAGE = "io.k8s.api.certificates.v1"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate says, and whether it is for the key that was asked for."""

    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    emails: tuple[str, ...]
    as_requested: bool


class CertificateReader(Protocol):
    """Looks into DER. What is wrong is said in the words of Go's ``crypto/x509``."""

    def request_problem(self, der: bytes) -> str:
        """Why this is no PKCS#10 request whose signature holds; empty when it is one."""
        ...

    def stub_problem(self, der: bytes) -> str:
        """Why this is no PKCS#10 request whose signature holds, of a key that pods may have."""
        ...

    def certificates_problem(self, der: bytes) -> str:
        """Why this is no sequence of certificates; empty when it is."""
        ...

    def authority_problem(self, der: bytes) -> str:
        """Why this is no certificate of an authority (``does not parse as X.509``…), or empty."""
        ...

    def leaf(self, der: bytes, request: bytes) -> Leaf | None:
        """One certificate that answers a PKCS#10 request; None when it cannot be read."""
        ...


class _Unread:
    """Finds nothing wrong: it does not look."""

    def request_problem(self, der: bytes) -> str:
        return ""

    def stub_problem(self, der: bytes) -> str:
        return ""

    def certificates_problem(self, der: bytes) -> str:
        return ""

    def authority_problem(self, der: bytes) -> str:
        return ""

    def leaf(self, der: bytes, request: bytes) -> Leaf | None:
        return None


UNREAD: CertificateReader = _Unread()
