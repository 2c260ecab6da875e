"""Reads certificates and requests for the kinds of certificates.k8s.io."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from strongroom.resources.certificates import Leaf

_UNPARSED = "x509: malformed certificate request"
_NOT_X509 = "does not parse as X.509"
_FAILURES = (
    (rsa.RSAPublicKey, "crypto/rsa: verification error"),
    (ec.EllipticCurvePublicKey, "x509: ECDSA verification failure"),
    (ed25519.Ed25519PublicKey, "x509: Ed25519 verification failure"),
)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_UNSUPPORTED = "x509: cannot verify signature: algorithm unimplemented"


class X509Reader:
    """A :class:`strongroom.resources.certificates.CertificateReader`."""

    def request_problem(self, der: bytes) -> str:
        try:
            request = x509.load_der_x509_csr(der)
            key = request.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return _UNPARSED
        try:
            if request.is_signature_valid:
                return ""
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return _UNSUPPORTED
        return next((text for kind, text in _FAILURES if isinstance(key, kind)), _UNSUPPORTED)

    def stub_problem(self, der: bytes) -> str:
        if problem := self.request_problem(der):
            return problem
        key = x509.load_der_x509_csr(der).public_key()
        if isinstance(key, rsa.RSAPublicKey):
            good = key.key_size in (3072, 4096)
            return "" if good else "RSA keys must have modulus size 3072 or 4096"
        if isinstance(key, ec.EllipticCurvePublicKey):
            good = isinstance(key.curve, _CURVES)
            return "" if good else "elliptic public keys must use curve P256, P384, or P521"
        if isinstance(key, ed25519.Ed25519PublicKey):
            return ""
        return "unknown public key type; supported types are Ed25519, ECDSA, and RSA"

    def certificates_problem(self, der: bytes) -> str:
        if not der:
            return "found CERTIFICATE PEM block containing 0 certificates"
        while der:
            length = _element(der)
            try:
                x509.load_der_x509_certificate(der[:length])
            except ValueError:
                return "x509: malformed certificate"
            der = der[length:]
        return ""

    def authority_problem(self, der: bytes) -> str:
        try:
            certificate = x509.load_der_x509_certificate(der)
            found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        except ValueError:
            return _NOT_X509
        except x509.ExtensionNotFound:
            return "does not have the CA bit set"
        return "" if found.value.ca else "does not have the CA bit set"

    def leaf(self, der: bytes, request: bytes) -> Leaf | None:
        try:
            certificate = x509.load_der_x509_certificate(der)
            asked = x509.load_der_x509_csr(request).public_key()
            extensions = certificate.extensions
            same = certificate.public_key() == asked
        except (ValueError, UnsupportedAlgorithm):
            return None
        try:
            names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = x509.SubjectAlternativeName([])
        return Leaf(
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            tuple(names.get_values_for_type(x509.DNSName)),
            tuple(names.get_values_for_type(x509.RFC822Name)),
            same,
        )


def organizations(der: bytes) -> list[str]:
    """The organizations of the subject of a PKCS#10 request. Raises ValueError for none."""
    try:
        subject = x509.load_der_x509_csr(der).subject
    except ValueError:
        raise ValueError(_UNPARSED) from None
    found = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return [str(attribute.value) for attribute in found]


def _element(der: bytes) -> int:
    """How long the first DER element is; at least one byte, so that walks end."""
    if len(der) < 2 or der[1] < 0x80:
        return 2 + der[1] if len(der) > 1 else 1
    size = der[1] & 0x7F
    return 2 + size + int.from_bytes(der[2 : 2 + size], "big")


X509 = X509Reader()
