"""What the kinds of certificates.k8s.io ask of whoever can read certificates.

Kinds do no cryptography: who serves them gives them a reader that does. Without one (a client only
carries the objects) what needs it is not judged.
"""

from __future__ import annotations

from typing import Protocol

GROUP = "certificates.k8s.io"
API_PACKAGE = "io.k8s.api.certificates.v1"


class CertificateReader(Protocol):
    """Looks into DER. What is wrong is said in the words of Go's ``crypto/x509``."""

    def request_problem(self, der: bytes) -> str:
        """Why this is no PKCS#10 request whose signature holds; empty when it is one."""
        ...

    def certificates_problem(self, der: bytes) -> str:
        """Why this is no sequence of certificates; empty when it is."""
        ...

    def authority_problem(self, der: bytes) -> str:
        """Why this is no certificate of an authority (``does not parse as X.509``…), or empty."""
        ...


class _Unread:
    """Finds nothing wrong: it does not look."""

    def request_problem(self, der: bytes) -> str:
        return ""

    def certificates_problem(self, der: bytes) -> str:
        return ""

    def authority_problem(self, der: bytes) -> str:
        return ""


UNREAD: CertificateReader = _Unread()
