"""Files with an AuthenticationConfiguration: versions, and what nobody knows in them."""

from __future__ import annotations

import msgspec
import pytest

from strongroom.access.authn.configuration import API_VERSIONS, AuthenticationConfiguration
from strongroom.api.configuration import BadConfiguration, read_configuration


@pytest.mark.parametrize("version", API_VERSIONS)
def test_versions_have_the_same_fields(version: str) -> None:
    content = msgspec.json.encode(
        {
            "apiVersion": version,
            "kind": "AuthenticationConfiguration",
            "jwt": [{"issuer": {"url": "https://issuer-url"}}],
        }
    )
    found = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
    assert found.jwt[0].issuer.url == "https://issuer-url"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("jwt: [{issuer: {urls: x}}]", 'strict decoding error: unknown field "jwt[0].issuer.urls"'),
        ("jwts: []", 'strict decoding error: unknown field "jwts"'),
        ("jwt: {}", "json: cannot unmarshal object into Go struct field"),
        ("jwt: [", "yaml: line"),
        ("jwt: []\njwt: []", "strict decoding error: "),
    ],
)
def test_what_nobody_knows_is_an_error(more: str, told: str) -> None:
    head = f"apiVersion: {API_VERSIONS[0]}\nkind: AuthenticationConfiguration\n"
    with pytest.raises(BadConfiguration) as caught:
        read_configuration((head + more).encode(), AuthenticationConfiguration, API_VERSIONS)
    assert str(caught.value).startswith(told)
