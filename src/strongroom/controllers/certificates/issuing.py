"""What a Secret that is to hold a certificate asks for, whether it may, and whether it has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from strongroom.api.validation import dns_subdomain
from strongroom.controllers.certificates.authority import BACKDATE, SHORTEST, Authority
from strongroom.controllers.certificates.requests import Asked
from strongroom.controllers.certificates.secret_authorities import (
    AUTHORITY_KEY,
    CERTIFICATE_KEY,
    PRIVATE_KEY,
    SecretAuthority,
    duration_of,
    listed,
)
from strongroom.resources import strongroom_annotations as own
from strongroom.resources.secret import Secret

USAGES = ("digital signature", "server auth", "client auth")
"""Both sides of a connection: what speaks to others is spoken to as well."""
LIFE = timedelta(days=90)
RENEW_AT = 2 / 3
_LONGEST_NAME = 64
"""Characters of a common name (RFC 5280, upper bounds)."""


class NotIssued(Exception):
    """A Secret or pod asks for what it may not have; the text is for its owner."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Secret asks for."""

    names: tuple[str, ...]
    life: timedelta


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and whom to trust, as a Secret holds them."""

    data: dict[str, bytes] = field(repr=False)


def wish_of(secret: Secret, source: SecretAuthority) -> Wish:
    """Read a Secret's annotations. Raises NotIssued."""
    meta = secret.metadata
    check_namespace(meta.namespace, source)
    names = sorted(listed(secret, own.DNS_NAMES))
    if not names:
        raise NotIssued(f"annotation {own.DNS_NAMES} names nothing")
    check_names(names, meta.namespace, source)
    try:
        life = duration_of(secret, LIFE)
    except ValueError as error:
        raise NotIssued(str(error)) from error
    return Wish(tuple(names), max(min(life, source.longest), SHORTEST))


def check_namespace(namespace: str, source: SecretAuthority) -> None:
    """Raises NotIssued when the authority is not for this namespace."""
    if "*" not in source.namespaces and namespace not in source.namespaces:
        key = own.CERTIFICATE_NAMESPACES
        raise NotIssued(f"its authority does not list namespace {namespace} in {key}")


def check_names(names: Iterable[str], namespace: str, source: SecretAuthority) -> None:
    """Raises NotIssued when somebody of this namespace may not be called by one of these."""
    for name in names:
        if not _may_be_called(name, namespace, source.domains):
            raise NotIssued(
                f"the name {name} is neither a service's of this namespace (NAME."
                f"{namespace}.svc) nor in {own.DNS_DOMAINS} of its authority"
            )


def issue(wish: Wish, authority: Authority, now: datetime) -> Issued:
    """A new key and a certificate of it. Raises UnusableAuthority."""
    key = ec.generate_private_key(ec.SECP256R1())
    common = [n for n in wish.names if len(n) <= _LONGEST_NAME][:1]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n) for n in common])
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in wish.names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    csr = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    certificate = authority.sign(Asked(csr), USAGES, wish.life, now)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Issued(
        {
            CERTIFICATE_KEY: certificate + authority.above(),
            PRIVATE_KEY: pem,
            AUTHORITY_KEY: authority.roots(),
        }
    )


def renewal(secret: Secret, wish: Wish, authority: Authority) -> datetime | None:
    """When the certificate in a Secret is to be made anew; None when it is not what is wanted."""
    data = secret.data
    try:
        certificate = x509.load_pem_x509_certificate(data.get(CERTIFICATE_KEY, b""))
        key = load_pem_private_key(data.get(PRIVATE_KEY, b""), password=None)
        certificate.verify_directly_issued_by(authority.certificate)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return None
    names = sorted(found.value.get_values_for_type(x509.DNSName))
    if certificate.public_key() != key.public_key() or names != list(wish.names):
        return None
    if data.get(AUTHORITY_KEY) != authority.roots():
        return None
    begin, end = certificate.not_valid_before_utc + BACKDATE, certificate.not_valid_after_utc
    return begin + (end - begin) * RENEW_AT


def _may_be_called(name: str, namespace: str, domains: Iterable[str]) -> bool:
    plain = name.removeprefix("*.")
    if dns_subdomain(plain):
        return False
    if plain.endswith((f".{namespace}.svc", f".{namespace}.svc.cluster.local")):
        return True
    return any(plain == domain or plain.endswith(f".{domain}") for domain in domains)
