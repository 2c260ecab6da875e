"""What is said of tokens: by reviews, by refusals, and by the documents of OIDC discovery."""

from __future__ import annotations

import base64
import json

import jwt
import pytest

from strongroom.access.authn.keys import make_key
from strongroom.api.errors import StatusError
from strongroom.files import write_private
from strongroom.server.token_keys import default_files
from strongroom.server.tokens import CoreObjects
from tests.server.conftest import Running
from tests.server.tokens.conftest import (
    ISSUER,
    REVIEWS,
    SECRETS,
    claims_of,
    review,
    token_of,
    who,
)
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_reviews_answer_for_the_audience_that_asks(room: Running, account: str) -> None:
    token = await token_of(room, account, audiences=["vault", "bank"])
    assert (await who(room, token)).code == 401
    told = await review(room, token, "bank", "museum", "vault")
    assert told["authenticated"]
    assert told["audiences"] == ["bank", "vault"]
    assert told["user"]["username"] == f"system:serviceaccount:default:{account}"
    assert "system:authenticated" in told["user"]["groups"]
    refused = await review(room, token, "museum")
    assert refused == {
        "user": {},
        "error": '[invalid bearer token, token audiences ["vault" "bank"] is invalid for the '
        'target audiences ["museum"]]',
    }
    own = await review(room, await token_of(room, account))
    assert own["audiences"] == [ISSUER]


async def test_what_is_no_token_at_all(room: Running) -> None:
    assert await review(room, "nonsense") == {"user": {}, "error": "invalid bearer token"}
    none = await room.ask("POST", REVIEWS, {"spec": {}})
    assert none.code == 400
    assert none.json["message"] == "token is required for TokenReview in authentication"
    assert (await who(room, "nonsense")).code == 401
    # A bad token beside a good certificate does not lock its bearer out.
    headers = {"Authorization": "Bearer nonsense"}
    assert (await room.ask("GET", SECRETS, headers=headers)).code == 200


async def test_when_nobody_can_tell_nobody_is_let_in(
    room: Running, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_of(room, account)

    async def late(*asked: str) -> None:
        raise StatusError(504, "Timeout", "the cache is behind")

    with monkeypatch.context() as broken:
        broken.setattr(CoreObjects, "find", late)
        assert (await who(room, token)).code == 504
    last = room.audit_events()[-1]
    assert (last["responseStatus"]["code"], last["user"]) == (504, {})
    assert (await who(room, token)).code == 201


async def test_a_tampered_token_is_refused(room: Running, account: str) -> None:
    token = await token_of(room, account)
    head, payload, signature = token.split(".")
    claims = claims_of(token) | {"sub": "system:serviceaccount:kube-system:admin"}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for bad in (f"{head}.{forged}.{signature}", f"{none}.{payload}.", f"{none}.{forged}."):
        assert (await who(room, bad)).code == 401
        assert not (await review(room, bad)).get("authenticated")


async def test_keys_are_replaced_while_the_server_runs(room: Running, account: str) -> None:
    old = await token_of(room, account)
    private, public = default_files(room.options.pki_dir)
    made, told = make_key()
    write_private(private, made)
    new = await token_of(room, account)
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert [(await who(room, token)).code for token in (old, new)] == [201, 201]
    published = (await room.ask("GET", "/openid/v1/jwks")).json["keys"]
    assert len(published) == 2
    for token, key in zip((old, new), published, strict=True):
        read = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience=ISSUER)
        assert read["sub"].endswith(account)

    async def published_since() -> bytes:
        return public.read_bytes()

    await until(published_since, lambda text: text.endswith(told))
    # Taking the old key out of the file ends its tokens.
    write_private(public, told)
    await until(lambda: who(room, old), lambda answer: answer.code == 401)
    assert (await who(room, new)).code == 201


async def test_discovery_is_for_accounts(room: Running, account: str) -> None:
    headers = {"Authorization": f"Bearer {await token_of(room, account)}"}
    path = "/.well-known/openid-configuration"
    told = await room.ask("GET", path, identity="", headers=headers)
    assert told.headers["Cache-Control"] == "public, max-age=3600"
    assert told.headers["Content-Type"] == "application/json"
    assert told.json == {
        "issuer": ISSUER,
        "jwks_uri": f"{room.server.url}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    keys = await room.ask("GET", "/openid/v1/jwks", identity="", headers=headers)
    assert keys.headers["Content-Type"] == "application/jwk-set+json"
    assert keys.headers["Cache-Control"] == "public, max-age=3600"
    assert [set(key) for key in keys.json["keys"]] == [{"use", "kty", "kid", "alg", "n", "e"}]
    assert (await room.ask("GET", path, identity="")).code == 401
    assert (await room.ask("GET", path, identity="scheduler")).code == 403
