"""What others need to verify ServiceAccount tokens: OIDC discovery and the public keys.

Source: ``pkg/routes/openidmetadata.go``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from strongroom.access.authn.keyset import KeySet
from strongroom.server.kept import Kept
from strongroom.server.reply import JSON, Reply
from strongroom.server.request import Request
from strongroom.server.routes import Handler
from strongroom.server.tokens import Tokens
from strongroom.server.urls import Target

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"

_KEYS_TYPE = "application/jwk-set+json"
_CACHED = b"public, max-age=3600"


def discovery_documents(tokens: Tokens, url: str) -> dict[str, Handler]:
    """The two paths; none where the issuer is no address of which OIDC could speak."""
    options = tokens.options
    issuer = options.service_account_issuer[0]
    parts = urlsplit(issuer)
    if parts.scheme != "https" or parts.query or parts.fragment:
        return {}
    where = options.service_account_jwks_uri or f"{url}{KEYS}"
    configuration: Kept[KeySet, bytes] = Kept(
        lambda keys: _configuration(issuer, where, keys), keep=4
    )
    key_set = Kept(_key_set, keep=4)

    async def serve_configuration(request: Request, target: Target) -> Reply:
        return Reply(configuration.of(tokens.keys.newest()), 200, JSON, cache_control=_CACHED)

    async def serve_keys(request: Request, target: Target) -> Reply:
        return Reply(key_set.of(tokens.keys.newest()), 200, _KEYS_TYPE, cache_control=_CACHED)

    return {CONFIGURATION: serve_configuration, KEYS: serve_keys}


def _configuration(issuer: str, where: str, keys: KeySet) -> bytes:
    return msgspec.json.encode(
        {
            "issuer": issuer,
            "jwks_uri": where,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in keys.keys}),
        }
    )


def _key_set(keys: KeySet) -> bytes:
    return msgspec.json.encode({"keys": [key.jwk() for key in keys.keys]})
