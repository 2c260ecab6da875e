"""Bootstrap tokens over HTTP: good while their Secret is, and no longer."""

from __future__ import annotations

from pathlib import Path

from tests.server.conftest import Running, running

KEY = "0123456789abcdef"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def make(api: Running, token_id: str = "abcdef") -> str:
    """A token that may authenticate."""
    made = {
        "metadata": {"name": f"bootstrap-token-{token_id}"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": token_id,
            "token-secret": KEY,
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": "system:bootstrappers:rack",
        },
    }
    assert (await api.ask("POST", SECRETS, made)).code == 201
    return f"{token_id}.{KEY}"


async def code_of(api: Running, token: str) -> int:
    """The answer to who asks with a token what it may."""
    headers = {"Authorization": f"Bearer {token}"}
    return (await api.ask("GET", "/api", identity="", headers=headers)).code


async def test_who_shows_one_is_its_user(api: Running) -> None:
    token = await make(api)
    headers = {"Authorization": f"Bearer {token}"}
    told = await api.ask("POST", SELF, {}, identity="", headers=headers)
    assert told.code == 201
    assert told.json["status"]["userInfo"] == {
        "username": "system:bootstrap:abcdef",
        "groups": ["system:bootstrappers", "system:bootstrappers:rack", "system:authenticated"],
    }
    review = {"spec": {"token": token}}
    seen = await api.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert seen.json["status"]["user"]["username"] == "system:bootstrap:abcdef"
    assert (await api.ask("GET", SECRETS, identity="", headers=headers)).code == 403
    assert await code_of(api, f"abcdef.{KEY[:-1]}0") == 401
    assert await code_of(api, f"bcdefg.{KEY}") == 401
    assert KEY not in str(api.audit_events())


async def test_it_is_refused_from_the_moment_its_secret_changes(api: Running) -> None:
    """No wait here: an acknowledged write counts for the next request."""
    token = await make(api)
    path = f"{SECRETS}/bootstrap-token-abcdef"
    merge = {"Content-Type": "application/merge-patch+json"}
    for key, bad, good in (
        ("expiration", "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
        ("usage-bootstrap-authentication", "false", "true"),
        ("auth-extra-groups", "system:masters", "system:bootstrappers:rack"),
    ):
        assert await code_of(api, token) == 200
        await api.ask("PATCH", path, {"stringData": {key: bad}}, headers=merge)
        assert await code_of(api, token) == 401, key
        await api.ask("PATCH", path, {"stringData": {key: good}}, headers=merge)
    assert await code_of(api, token) == 200
    await api.ask("DELETE", path)
    assert await code_of(api, token) == 401


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    async with running(tmp_path, "--enable-bootstrap-token-auth=false") as api:
        assert await code_of(api, await make(api)) == 401
