"""Values that nobody has to think of."""

from __future__ import annotations

import base64
import re
import uuid

import pytest

from strongroom.cli.secret.generate import UnknownGenerator, generate


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("password", r"[A-Za-z][A-Za-z0-9_-]{31}"),
        ("password:8", r"[A-Za-z][A-Za-z0-9_-]{7}"),
        ("hex:16", r"[0-9a-f]{32}"),
        ("base64:32", r"[A-Za-z0-9+/]{43}="),
    ],
)
def test_each_value_is_of_its_kind_and_new(text: str, form: str) -> None:
    made = [generate(text) for _ in range(50)]
    assert len(set(made)) == 50
    assert all(re.fullmatch(form, value.decode()) for value in made)


def test_bytes_and_uuid() -> None:
    assert len(generate("bytes:20")) == 20
    assert len(base64.b64decode(generate("base64"))) == 32
    assert uuid.UUID(generate("uuid").decode()).version == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pasword:32", "there are password[:N], hex[:N]"),
        ("password:", "expected a number of characters"),
        ("password:many", "expected a number of characters"),
        ("password:-8", "expected a number"),
        ("password:٣٢", "expected a number"),
        ("password:7", "password makes 8 to 4096 characters"),
        ("hex:4097", "hex makes 8 to 4096 bytes"),
        ("uuid:4", "no generator 'uuid:4'"),
    ],
)
def test_what_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(UnknownGenerator, match=re.escape(told)):
        generate(text)
