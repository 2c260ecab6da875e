"""OIDC discovery: what others read to verify tokens, and where there is nothing to read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.access.authn.keys import public_pem
from strongroom.api.clock import SystemClock
from strongroom.files import write_private
from strongroom.server.oidc import CONFIGURATION, KEYS, discovery_documents
from strongroom.server.options import parse_options
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.token_keys import KeyFileError
from strongroom.server.tokens import Tokens
from strongroom.server.urls import parse_target
from strongroom.storage.memory import MemoryStore
from tests.access.authn.making import key, pem

URL = "https://127.0.0.1:6443"


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    yield made
    await made.close()


def tokens(store: MemoryStore, directory: Path, *arguments: str) -> Tokens:
    """With an elliptic key that signs, and two that once did."""
    signing, public = directory / "mine.key", directory / "others.pub"
    write_private(signing, pem("p384"))
    others = public_pem(key("rsa").public.key) + public_pem(key("p256").public.key)
    write_private(public, others)
    files: tuple[str, ...] = ("--service-account-signing-key-file", str(signing))
    files += ("--service-account-key-file", str(public))
    options = parse_options((*files, *arguments)).tokens
    return Tokens(options, directory, store, SystemClock())


async def read(made: Tokens, path: str) -> object:
    handler = discovery_documents(made, URL)[path]
    reply = await handler(
        Request("GET", path.encode(), b"", {}), parse_target("GET", path.encode(), b"")
    )
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


async def test_keys_and_algorithms_are_those_of_the_files(
    store: MemoryStore, tmp_path: Path
) -> None:
    made = tokens(store, tmp_path, "--service-account-issuer", "https://a.example")
    assert await read(made, CONFIGURATION) == {
        "issuer": "https://a.example",
        "jwks_uri": f"{URL}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "ES384", "RS256"],
    }
    expected = [key(kind).public.jwk() for kind in ("rsa", "p256", "p384")]
    assert await read(made, KEYS) == {"keys": expected}
    assert [set(k) for k in expected[1:]] == [{"use", "kty", "kid", "alg", "crv", "x", "y"}] * 2


async def test_the_keys_may_be_elsewhere(store: MemoryStore, tmp_path: Path) -> None:
    made = tokens(store, tmp_path, "--service-account-jwks-uri", "https://b.example/keys")
    told = await read(made, CONFIGURATION)
    assert isinstance(told, dict)
    assert told["jwks_uri"] == "https://b.example/keys"


@pytest.mark.parametrize(
    "issuer", ["plain", "http://a", "https://a/?b", "https://a/#c", "kubernetes/serviceaccount"]
)
async def test_an_issuer_that_is_no_address_is_not_discovered(
    store: MemoryStore, tmp_path: Path, issuer: str
) -> None:
    made = tokens(store, tmp_path, "--service-account-issuer", issuer)
    assert discovery_documents(made, URL) == {}


async def test_a_key_of_your_own_needs_no_other_file(store: MemoryStore, tmp_path: Path) -> None:
    write_private(tmp_path / "k", pem("p521"))
    options = parse_options(("--service-account-signing-key-file", str(tmp_path / "k"))).tokens
    made = Tokens(options, tmp_path, store, SystemClock())
    assert [k.algorithm for k in made.keys.current().keys] == ["ES512"]
    write_private(tmp_path / "k", b"")
    with pytest.raises(KeyFileError):
        Tokens(options, tmp_path, store, SystemClock())
