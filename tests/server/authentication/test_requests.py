"""Requests of a whole server: who is believed, who is nobody, and what becomes of changed files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom.server.ground import StartError
from tests.oidc_issuer import LocalIssuer, issuing, jwk, private_key, sign
from tests.server.conftest import SECRETS, Answer, Running, running
from tests.waiting import until

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def configuration(*issuers: LocalIssuer, **more: Any) -> bytes:
    """A file that believes these issuers; names are OIDC:SUB."""
    jwt = [
        {
            "issuer": {
                "url": issuer.url,
                "certificateAuthority": issuer.authority,
                "audiences": ["room"],
            },
            "claimMappings": {
                "username": {"claim": "sub", "prefix": "oidc:"},
                "groups": {"expression": "claims.?groups.orValue([])"},
                "extra": [
                    {"key": "example.org/team", "valueExpression": "claims.?team.orValue('')"}
                ],
            },
            "userValidationRules": [{"expression": "user.username != 'oidc:mallory'"}],
        }
        for issuer in issuers
    ]
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return json.dumps(head | {"jwt": jwt} | more).encode()


async def asks(api: Running, token: str, path: str = WHO) -> Answer:
    """What somebody is answered who shows this token, and no certificate."""
    body = (
        None
        if path != WHO
        else {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await api.ask("POST" if body else "GET", path, body, identity="", headers=headers)


async def name(api: Running, token: str) -> str:
    """Who that is; "" for somebody who is not believed."""
    answer = await asks(api, token)
    return answer.json["status"]["userInfo"]["username"] if answer.code == 201 else ""


async def review(api: Running, token: str) -> dict[str, Any]:
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    answer = await api.ask("POST", REVIEWS, body)
    assert answer.code == 201
    status: dict[str, Any] = answer.json["status"]
    return status


@asynccontextmanager
async def believing(directory: Path, content: bytes, *more: str) -> AsyncIterator[Running]:
    path = directory / "authentication.yaml"
    path.write_bytes(content)
    async with running(directory, "--authentication-config", str(path), *more) as api:
        yield api


async def test_tokens_of_issuers_and_a_file_that_changes(
    issuer: LocalIssuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "authentication.yaml"
    async with issuing() as other, believing(tmp_path, configuration(issuer)) as api:
        good = issuer.token(groups=["a"], team="red", jti="t1")
        assert await until(lambda: name(api, good)) == "oidc:jane"
        user = (await review(api, good))["user"]
        assert user == (await asks(api, good)).json["status"]["userInfo"]
        assert user == {
            "username": "oidc:jane",
            "groups": ["a", "system:authenticated"],
            "extra": {
                "authentication.kubernetes.io/credential-id": ["JTI=t1"],
                "example.org/team": ["red"],
            },
        }
        for token, told in (
            (issuer.token(aud="other"), 'expected audience "room" got ["other"]'),
            (
                issuer.token(sub="mallory"),
                "validation expression 'user.username != 'oidc:mallory'' failed",
            ),
            (issuer.token(exp=1), "token is expired"),
            (sign(private_key("RSA"), issuer.claims(), "none"), "unsupported algorithm"),
            (other.token(), "invalid bearer token"),
        ):
            answer = await asks(api, token)
            assert (answer.code, answer.json["message"]) == (401, "Unauthorized")
            status = await review(api, token)
            assert "authenticated" not in status
            assert told in status["error"]
        # A certificate is believed though a token beside it is not.
        answer = await api.ask("GET", SECRETS, headers={"Authorization": "Bearer nonsense"})
        assert answer.code == 200
        # What cannot be used leaves what there was, and is told and counted.
        path.write_bytes(b"{}")
        await until(lambda: _counted(api, "failure"))
        assert await name(api, good) == "oidc:jane"
        told_ = [
            r for r in caplog.records if "issuers of tokens stay as they were" in r.getMessage()
        ]
        assert len(told_) == 1
        # Another issuer in place of the first: that one is over, with what was kept of it.
        path.write_bytes(configuration(other))
        await until(lambda: _counted(api, "success"))
        assert await name(api, other.token(sub="joe")) == "oidc:joe"
        assert await name(api, good) == ""
        page = (await api.ask("GET", "/metrics")).body.decode()
        assert "apiserver_authentication_jwt_authenticator_latency_seconds_count{" in page
        assert page.count("jwks_fetch_last_key_set_info{") == 1
        assert "authentication_config_controller_last_config_info{" in page
        assert "canary" not in page
        # Whether nobody is let in is settled at the start.
        path.write_bytes(configuration(other, anonymous={"enabled": True}))
        await until(lambda: _counted(api, "failure", 2.0))
        assert (await api.ask("GET", WHO, identity="")).code == 401


async def _counted(api: Running, status: str, least: float = 1.0) -> bool:
    wanted = (
        'apiserver_authentication_config_controller_automatic_reloads_total{apiserver_id_hash="'
    )
    page = (await api.ask("GET", "/metrics")).body.decode()
    counts = [
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith(wanted) and f'status="{status}"' in line
    ]
    return bool(counts) and counts[0] >= least


async def test_a_server_does_not_wait_for_its_issuers(issuer: LocalIssuer, tmp_path: Path) -> None:
    issuer.away = True
    arguments = [
        "--oidc-issuer-url", issuer.url, "--oidc-client-id", "room", "--oidc-groups-claim", "roles",
        "--oidc-required-claim", "hd=example.com", "--oidc-signing-algs", "ES256",
    ]  # fmt: skip
    authority = tmp_path / "issuer.crt"
    authority.write_text(issuer.authority)
    async with running(tmp_path, *arguments, "--oidc-ca-file", str(authority)) as api:
        issuer.keys = [jwk(private_key("ES256"), "k")]
        claims = issuer.claims(hd="example.com", roles="r")
        token = sign(private_key("ES256"), claims, "ES256", kid="k")
        assert "oidc: authenticator not initialized" in (await review(api, token))["error"]
        assert (await asks(api, token)).code == 401


async def test_issuers_of_flags(issuer: LocalIssuer, tmp_path: Path) -> None:
    authority, tokens = tmp_path / "issuer.crt", tmp_path / "tokens.csv"
    authority.write_text(issuer.authority)
    tokens.touch(mode=0o600)
    tokens.write_text('canary-1,joe,7,"a,b"\n')
    arguments = [
        "--oidc-issuer-url", issuer.url, "--oidc-client-id", "room", "--oidc-groups-claim", "roles",
        "--oidc-groups-prefix", "g:", "--oidc-required-claim", "hd=example.com",
        "--oidc-ca-file", str(authority), "--token-auth-file", str(tokens),
    ]  # fmt: skip
    async with running(tmp_path, *arguments) as api:
        token = issuer.token(hd="example.com", roles="r")
        assert await until(lambda: name(api, token)) == f"{issuer.url}#jane"
        assert (await review(api, token))["user"]["groups"] == ["g:r", "system:authenticated"]
        assert "required claim hd not present" in (await review(api, issuer.token()))["error"]
        # Tokens of the file beside them, which end with their line.
        assert (await review(api, "canary-1"))["user"] == {
            "username": "joe",
            "uid": "7",
            "groups": ["a", "b", "system:authenticated"],
        }
        assert (await review(api, "canary-1"))["audiences"] == [
            "https://kubernetes.default.svc.cluster.local"
        ]
        tokens.write_text("canary-2,jim,8\n")
        assert await until(lambda: name(api, "canary-2")) == "jim"
        assert await name(api, "canary-1") == ""
        assert "canary" not in json.dumps(api.audit_events())


@pytest.mark.parametrize(
    ("arguments", "anonymous", "codes"),
    [
        ([], None, (200, 401, 401)),
        (["--anonymous-auth"], None, (200, 403, 403)),
        ([], {"enabled": True, "conditions": [{"path": "/api"}]}, (401, 403, 401)),
    ],
)
async def test_nobody(
    arguments: list[str], anonymous: Any, codes: tuple[int, ...], tmp_path: Path
) -> None:
    if anonymous is not None:
        path = tmp_path / "authentication.yaml"
        path.write_bytes(configuration(anonymous=anonymous))
        arguments = [*arguments, "--authentication-config", str(path)]
    async with running(tmp_path, *arguments) as api:
        found = [await asks(api, "", path) for path in ("/livez", "/api", SECRETS)]
        assert tuple(answer.code for answer in found) == codes
        if codes[2] == 403:
            told = 'User "system:anonymous" cannot list resource "secrets"'
            assert told in found[2].json["message"]
        # A token that does not hold is never taken for none.
        assert (await asks(api, "nonsense", "/livez")).code == 401


async def test_a_file_that_ends_a_start(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("canary,jane\n")
    with pytest.raises(StartError) as caught:
        async with running(tmp_path, "--token-auth-file", str(path)):
            pass
    told = str(caught.value)
    assert told.startswith(f"token file {path}: line 1: must have at least 3 columns")
    assert "canary" not in told
