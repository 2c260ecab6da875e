"""Fingerprints of the keys of certificates, by which people name an authority to a new node.

As ``kubeadm`` writes them (``--discovery-token-ca-cert-hash``). The key is found by walking the
certificate's structure (RFC 5280, 4.1); nothing is verified.
"""

from __future__ import annotations

import hashlib

from strongroom.resources import pem
from strongroom.resources.certificate_times import MalformedError, elements

_SEQUENCE, _VERSION = 0x30, 0xA0
_BEFORE = 5
"""Elements between the version and the key: number, algorithm, issuer, validity, subject."""


def pins(certificates: bytes) -> list[str]:
    """``sha256:HEX`` of each key of a PEM text, in order.

    Raises ValueError, whose text quotes nothing, for a certificate that cannot be read.
    """
    found = [block for block in pem.blocks(certificates) if block.type == pem.CERTIFICATE]
    try:
        return ["sha256:" + hashlib.sha256(_key(block.content)).hexdigest() for block in found]
    except (MalformedError, IndexError) as error:
        raise ValueError("a certificate cannot be read") from error


def _key(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, whole."""
    certificate = next(elements(der), (0, b""))[1]
    parts = list(elements(next(elements(certificate), (0, b""))[1]))
    tag, content = parts[_BEFORE + (parts[0][0] == _VERSION)]
    if tag != _SEQUENCE:
        raise MalformedError
    # DER has one way only to write a length, so this is what stood in the certificate.
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1)
    head = size if len(content) < 0x80 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + head + content
