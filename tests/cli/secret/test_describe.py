"""What a value is, for people."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from strongroom.cli.secret.describe import described
from strongroom.resources.pem import armored
from tests.resources.test_certificate_times import certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(exp: int) -> bytes:
    parts = [{"alg": "RS256"}, {"exp": exp}]
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*texts, b"hunter2"])


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("k", b"", "empty"),
        ("k", b"hunter2\n", "text"),
        ("k", b"\xffhunter2", "binary"),
        ("k", b"hunter2\x1b", "binary"),
        ("tls.crt", certificate(40), "certificate CN=someone, expires in 40d (2026-02-10)"),
        (
            "ca.crt",
            certificate(40) + certificate(-0.5 + 400, authority=True),
            "certificate CN=someone and 1 more, expires in 40d (2026-02-10)",
        ),
        ("tls.key", armored("EC PRIVATE KEY", b"hunter2"), "PEM: ec private key"),
        ("t", token(1767312000), "token, expires in 24h (2026-01-02)"),
        (
            ".dockerconfigjson",
            b'{"auths": {"ghcr.io": {"password": "hunter2"}}}',
            "credentials for ghcr.io",
        ),
        (".dockerconfigjson", b"hunter2", "text"),
    ],
)
def test_the_kind_and_what_is_public_of_it(key: str, value: bytes, told: str) -> None:
    assert described(key, value, NOW) == told
