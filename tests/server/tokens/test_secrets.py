"""Tokens that Secrets keep, over HTTP: filled, used, marked and ended."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.conftest import Running
from tests.server.tokens.conftest import ACCOUNTS, SECRETS, claims_of, review, who
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="package")

SECRET_TYPE = "kubernetes.io/service-account-token"


async def filled(room: Running, name: str) -> Any:
    """The Secret, once there is a token in it."""
    answer = await until(
        lambda: room.ask("GET", f"{SECRETS}/{name}"),
        lambda found: "token" in found.json.get("data", {}),
    )
    return answer.json


async def gone(room: Running, path: str) -> None:
    await until(lambda: room.ask("GET", path), lambda answer: answer.code == 404)


def token_secret(name: str, account: str, **annotations: str) -> dict[str, Any]:
    wanted = {"kubernetes.io/service-account.name": account} | {
        f"kubernetes.io/service-account.{key}": value for key, value in annotations.items()
    }
    return {"metadata": {"name": name, "annotations": wanted}, "type": SECRET_TYPE}


async def test_a_secret_gets_its_token_and_tells_of_its_use(room: Running, account: str) -> None:
    name = f"kept-{account}"
    assert (await room.ask("POST", SECRETS, token_secret(name, account))).code == 201
    secret = await filled(room, name)
    data = {key: base64.b64decode(value) for key, value in secret["data"].items()}
    assert data["namespace"] == b"default"
    assert data["ca.crt"] == room.pki.ca_file.read_bytes()
    uid = (await room.ask("GET", f"{ACCOUNTS}/{account}")).json["metadata"]["uid"]
    assert secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == uid
    token = data["token"].decode()
    assert claims_of(token) == {
        "iss": "kubernetes/serviceaccount",
        "sub": f"system:serviceaccount:default:{account}",
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": name,
        "kubernetes.io/serviceaccount/service-account.name": account,
        "kubernetes.io/serviceaccount/service-account.uid": uid,
    }
    shown = await who(room, token)
    assert shown.json["status"]["userInfo"]["username"].endswith(f":{account}")
    assert "Warning" not in shown.headers
    annotations = room.audit_events()[-1]["annotations"]
    assert annotations["authentication.k8s.io/legacy-token-manual-secret"] == name
    subject = f"system:serviceaccount:default:{account}"
    assert annotations["authentication.k8s.io/legacy-token"] == subject
    used = await until(
        lambda: room.ask("GET", f"{SECRETS}/{name}"),
        lambda answer: answer.json["metadata"].get("labels"),
    )
    assert list(used.json["metadata"]["labels"]) == ["kubernetes.io/legacy-token-last-used"]

    # One that its account lists counts as generated, which is warned of.
    merge = {"Content-Type": "application/merge-patch+json"}
    listed = {"secrets": [{"name": name}]}
    await room.ask("PATCH", f"{ACCOUNTS}/{account}", listed, headers=merge)
    shown = await who(room, token)
    assert "auto-generated secret-based tokens" in shown.headers["Warning"]

    marked = {"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}}}
    await room.ask("PATCH", f"{SECRETS}/{name}", marked, headers=merge)
    assert (await who(room, token)).code == 401
    annotations = room.audit_events()[-1]["annotations"]
    assert annotations["authentication.k8s.io/legacy-token-invalidated"] == f"{name}/default"
    marked["metadata"]["labels"]["kubernetes.io/legacy-token-invalid-since"] = None  # type: ignore[assignment]  # taken off
    await room.ask("PATCH", f"{SECRETS}/{name}", marked, headers=merge)
    assert (await who(room, token)).code == 201

    # A deleted Secret ends its token at once, and is taken off the account's list.
    await room.ask("DELETE", f"{SECRETS}/{name}")
    assert (await who(room, token)).code == 401
    await until(
        lambda: room.ask("GET", f"{ACCOUNTS}/{account}"),
        lambda answer: not answer.json.get("secrets"),
    )


async def test_a_secret_goes_with_its_account(room: Running, account: str) -> None:
    name = f"goes-{account}"
    await room.ask("POST", SECRETS, token_secret(name, account))
    token = base64.b64decode((await filled(room, name))["data"]["token"]).decode()
    await room.ask("DELETE", f"{ACCOUNTS}/{account}")
    assert (await who(room, token)).code == 401
    await gone(room, f"{SECRETS}/{name}")


async def test_a_secret_of_no_account_is_deleted(room: Running, account: str) -> None:
    for name, secret in (
        ("nobodys", token_secret(f"nobodys-{account}", "nobody")),
        ("another", token_secret(f"another-{account}", account, uid="other")),
    ):
        assert (await room.ask("POST", SECRETS, secret)).code == 201
        await gone(room, f"{SECRETS}/{name}-{account}")


async def test_a_token_that_is_overwritten_is_made_anew(room: Running, account: str) -> None:
    name = f"anew-{account}"
    await room.ask("POST", SECRETS, token_secret(name, account))
    token = base64.b64decode((await filled(room, name))["data"]["token"]).decode()
    other = {"data": {"token": base64.b64encode(b"other").decode()}}
    headers = {"Content-Type": "application/merge-patch+json"}
    await room.ask("PATCH", f"{SECRETS}/{name}", other, headers=headers)
    told = await review(room, token)
    assert told["error"] == "[invalid bearer token, Token does not match server's copy]"
    await room.ask("PATCH", f"{SECRETS}/{name}", {"data": {"token": None}}, headers=headers)
    again = base64.b64decode((await filled(room, name))["data"]["token"]).decode()
    assert (await who(room, again)).code == 201
