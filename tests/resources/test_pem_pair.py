"""Warnings about TLS pairs whose parts are not there."""

from __future__ import annotations

import pytest

from strongroom.resources.pem_pair import pem_pair_problem
from strongroom.resources.secret import SECRETS, Secret
from tests.resources.making import made


def _block(type_: str) -> bytes:
    return f"-----BEGIN {type_}-----\nQUJD\n-----END {type_}-----\n".encode()


_CERTIFICATE = _block("CERTIFICATE")
_KEY = _block("EC PRIVATE KEY")
_SKIPPED = "PEM blocks of the following types: [EC PARAMETERS]"


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        (_CERTIFICATE, _KEY, ""),
        (b"text before\n" + _CERTIFICATE, _block("EC PARAMETERS") + _KEY, ""),
        (_CERTIFICATE.replace(b"\n", b"\r\n"), _block("PRIVATE KEY"), ""),
        (b"x", b"x", "tls: failed to find any PEM data in certificate input"),
        (_CERTIFICATE, b"", "tls: failed to find any PEM data in key input"),
        (_CERTIFICATE[:-10], _KEY, "tls: failed to find any PEM data in certificate input"),
        (
            _KEY,
            _CERTIFICATE,
            (
                "tls: failed to find certificate PEM data in certificate input, but did find a "
                "private key; PEM inputs may have been switched"
            ),
        ),
        (
            _block("EC PARAMETERS"),
            _KEY,
            (
                'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping '
                f"{_SKIPPED}"
            ),
        ),
        (
            _CERTIFICATE,
            _CERTIFICATE,
            "tls: found a certificate rather than a key in the PEM for the private key",
        ),
        (
            _CERTIFICATE,
            _block("EC PARAMETERS"),
            (
                'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input '
                f"after skipping {_SKIPPED}"
            ),
        ),
    ],
)
def test_what_is_missing(certificate: bytes, key: bytes, problem: str) -> None:
    assert pem_pair_problem(certificate, key) == problem


def test_the_writer_of_a_tls_secret_is_warned_and_nobody_else() -> None:
    secret = made({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}, Secret)
    warning = "tls: failed to find any PEM data in certificate input"
    assert SECRETS.warnings(secret, None) == [warning]
    assert SECRETS.warnings(secret, secret) == [warning]
    secret.type = "Opaque"
    assert SECRETS.warnings(secret, None) == []
