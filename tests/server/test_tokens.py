"""Tokens of ServiceAccounts over HTTP: asked for, shown, reviewed, and ended."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from strongroom.access.authn.keys import make_key
from strongroom.api.errors import StatusError
from strongroom.files import write_private
from strongroom.server.token_keys import default_files
from strongroom.server.tokens import CoreObjects
from tests.server.conftest import Answer, Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

CORE = "/api/v1/namespaces/default"
ACCOUNTS, PODS, SECRETS = (f"{CORE}/{plural}" for plural in ("serviceaccounts", "pods", "secrets"))
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ISSUER = "https://kubernetes.default.svc.cluster.local"
YEAR = 365 * 24 * 3600
SECRET_TYPE = "kubernetes.io/service-account-token"

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    most = ("--service-account-max-token-expiration", "48h")
    async with running(tmp_path_factory.mktemp("tokens"), *most) as run:
        yield run


@pytest_asyncio.fixture(loop_scope="module")
async def account(room: Running) -> str:
    """The name of an account of its own for each test."""
    name = f"bot-{next(_numbers)}"
    assert (await room.ask("POST", ACCOUNTS, {"metadata": {"name": name}})).code == 201
    return name


def claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


async def request(room: Running, account: str, **spec: Any) -> Answer:
    return await room.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec})


async def token_of(room: Running, account: str, **spec: Any) -> str:
    answer = await request(room, account, **spec)
    assert answer.code == 201, answer.body
    token: str = answer.json["status"]["token"]
    return token


async def who(room: Running, token: str) -> Answer:
    """Who the server takes the bearer for."""
    headers = {"Authorization": f"Bearer {token}"}
    return await room.ask("POST", WHO, {}, identity="", headers=headers)


async def review(room: Running, token: str, *audiences: str) -> Any:
    answer = await room.ask("POST", REVIEWS, {"spec": {"token": token, "audiences": audiences}})
    assert answer.code == 201, answer.body
    return answer.json["status"]


async def make_pod(room: Running, name: str, account: str, node: str = "") -> Any:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}]}
    spec["serviceAccountName"] = account
    if node:
        spec["nodeName"] = node
    answer = await room.ask("POST", PODS, {"metadata": {"name": name}, "spec": spec})
    assert answer.code == 201, answer.body
    return answer.json["metadata"]


def bound(kind: str, name: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "apiVersion": "v1", "name": name, **more}


async def test_a_token_says_whose_it_is_and_makes_its_bearer_the_account(
    room: Running, account: str
) -> None:
    answer = await request(room, account)
    assert answer.code == 201
    told = answer.json
    assert (told["kind"], told["apiVersion"]) == ("TokenRequest", "authentication.k8s.io/v1")
    assert told["metadata"]["name"] == account
    assert told["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600}
    claims = claims_of(told["status"]["token"])
    uid = told["metadata"]["uid"]
    assert claims == {
        "aud": [ISSUER],
        "exp": claims["iat"] + 3600,
        "iat": claims["iat"],
        "iss": ISSUER,
        "jti": claims["jti"],
        "nbf": claims["iat"],
        "sub": f"system:serviceaccount:default:{account}",
        "kubernetes.io": {
            "namespace": "default",
            "serviceaccount": {"name": account, "uid": uid},
        },
    }
    shown = await who(room, told["status"]["token"])
    assert shown.code == 201
    assert shown.json["status"]["userInfo"] == {
        "username": f"system:serviceaccount:default:{account}",
        "uid": uid,
        "groups": [
            "system:serviceaccounts",
            "system:serviceaccounts:default",
            "system:authenticated",
        ],
        "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]},
    }
    events = room.audit_events()
    issued = next(e for e in events if e["requestURI"] == f"{ACCOUNTS}/{account}/token")
    key = "authentication.kubernetes.io/issued-credential-id"
    assert issued["annotations"][key] == f"JTI={claims['jti']}"
    log = (room.options.data_dir / "audit" / "audit.log").read_text()
    assert told["status"]["token"].rpartition(".")[2] not in log


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"spec": {"expirationSeconds": 599}},
            422,
            (
                'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: '
                "Invalid value: 599: may not specify a duration less than 10 minutes"
            ),
        ),
        (
            {"spec": {"expirationSeconds": (1 << 32) + 1}},
            422,
            (
                'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: '
                "Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds"
            ),
        ),
        (
            {"metadata": {"name": "other"}},
            422,
            (
                'TokenRequest.authentication.k8s.io "NAME" is invalid: metadata.name: '
                'Invalid value: "other": must match the service account name if specified'
            ),
        ),
        (
            {"metadata": {"namespace": "other"}},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {"metadata": {"uid": "u"}},
            409,
            (
                'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "NAME": '
                "the UID in the token request (u) does not match the UID of the service account "
                "(UID)"
            ),
        ),
        (
            {"spec": {"boundObjectRef": bound("ConfigMap", "c")}},
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        (
            {"spec": {"boundObjectRef": bound("Pod", "p") | {"apiVersion": "x/v1"}}},
            400,
            "cannot bind token to object of type x/v1, Kind=Pod",
        ),
        ({"spec": {"boundObjectRef": bound("Pod", "none")}}, 404, 'pods "none" not found'),
        ({"spec": {"boundObjectRef": bound("Secret", "none")}}, 404, 'secrets "none" not found'),
        ({"spec": {"boundObjectRef": bound("Node", "none")}}, 404, 'nodes "none" not found'),
        (
            {"spec": {"attestations": {"admissionReviewAPIGroups": ["apps"]}}},
            422,
            (
                'TokenRequest.authentication.k8s.io "" is invalid: spec.attestations: '
                'Invalid value: {"admissionReviewAPIGroups":["apps"]}: attestations may only be '
                "specified with a webhook bound object reference"
            ),
        ),
        (
            {
                "spec": {
                    "audiences": ["https://hook"],
                    "attestations": {"admissionReviewAPIGroups": ["apps"]},
                    "boundObjectRef": {
                        "kind": "ValidatingWebhookConfiguration",
                        "apiVersion": "admissionregistration.k8s.io/v1",
                        "name": "hook",
                    },
                }
            },
            400,
            (
                "cannot bind token to object of type admissionregistration.k8s.io/v1, "
                "Kind=ValidatingWebhookConfiguration (feature gate "
                "APIServerWebhookAuthenticationToken is disabled)"
            ),
        ),
    ],
)
async def test_what_cannot_be_asked_for(
    room: Running, account: str, body: Any, code: int, message: str
) -> None:
    uid = (await room.ask("GET", f"{ACCOUNTS}/{account}")).json["metadata"]["uid"]
    answer = await room.ask("POST", f"{ACCOUNTS}/{account}/token", body)
    assert answer.json["message"] == message.replace("NAME", account).replace("UID)", f"{uid})")
    assert answer.code == code


async def test_no_token_without_an_account(room: Running) -> None:
    answer = await request(room, "nobody")
    assert answer.code == 404
    assert answer.json["message"] == 'serviceaccounts "nobody" not found'
    assert (await room.ask("GET", f"{ACCOUNTS}/nobody/token")).code == 405


async def test_a_token_may_be_shortened(room: Running, account: str) -> None:
    answer = await request(room, account, expirationSeconds=50 * 3600)
    assert answer.json["spec"]["expirationSeconds"] == 48 * 3600
    assert answer.headers["Warning"] == (
        '299 - "requested expiration of 180000 seconds shortened to 172800 seconds"'
    )


async def test_the_token_of_a_pod_tells_where_it_is_and_ends_with_it(
    room: Running, account: str
) -> None:
    pod = await make_pod(room, f"pod-of-{account}", account, node="far")
    wrong = await request(room, account, boundObjectRef=bound("Pod", pod["name"], uid="other"))
    assert wrong.code == 409
    assert wrong.json["message"] == (
        f'Operation cannot be fulfilled on Pod "{pod["name"]}": the UID in the bound object '
        "reference (other) does not match the UID in record. The object might have been deleted "
        "and then recreated"
    )
    reference = bound("Pod", pod["name"], uid=pod["uid"])
    token = await token_of(room, account, boundObjectRef=reference)
    private = claims_of(token)["kubernetes.io"]
    assert private["pod"] == {"name": pod["name"], "uid": pod["uid"]}
    assert private["node"] == {"name": "far"}
    extra = (await who(room, token)).json["status"]["userInfo"]["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == [pod["name"]]
    assert extra["authentication.kubernetes.io/pod-uid"] == [pod["uid"]]
    assert extra["authentication.kubernetes.io/node-name"] == ["far"]
    assert "authentication.kubernetes.io/node-uid" not in extra

    # While the pod ends it may have things to do; then it is gone, and nothing of it is left.
    going = await room.ask("DELETE", f"{PODS}/{pod['name']}", {"gracePeriodSeconds": 30})
    assert going.json["metadata"]["deletionTimestamp"]
    assert (await who(room, token)).code == 201
    await room.ask("DELETE", f"{PODS}/{pod['name']}", {"gracePeriodSeconds": 0})
    assert (await who(room, token)).code == 401
    again = await make_pod(room, pod["name"], account)
    assert (await who(room, token)).code == 401
    told = await review(room, token)
    assert told["error"] == (
        f"[invalid bearer token, pod UID ({again['uid']}) does not match service account pod ref "
        f"claim ({pod['uid']})]"
    )


async def test_only_a_pod_of_the_account_may_be_bound_to(room: Running, account: str) -> None:
    pod = await make_pod(room, f"other-{account}", account)
    assert (await room.ask("POST", ACCOUNTS, {"metadata": {"name": f"x-{account}"}})).code == 201
    answer = await request(room, f"x-{account}", boundObjectRef=bound("Pod", pod["name"]))
    assert answer.code == 400
    assert answer.json["message"] == (
        f'cannot bind token for serviceaccount "x-{account}" to pod running with different '
        "serviceaccount name."
    )


async def test_a_pods_own_token_lives_longer_than_it_says(room: Running, account: str) -> None:
    pod = await make_pod(room, f"own-{account}", account)
    reference = bound("Pod", pod["name"])
    answer = await request(room, account, expirationSeconds=3607, boundObjectRef=reference)
    claims = claims_of(answer.json["status"]["token"])
    assert claims["exp"] - claims["iat"] == YEAR
    assert claims["kubernetes.io"]["warnafter"] - claims["iat"] == 3607
    assert answer.json["spec"]["expirationSeconds"] == 3607
    # Nothing of that for others: no pod, another time, another audience.
    for spec in (
        {"expirationSeconds": 3607},
        {"expirationSeconds": 3608, "boundObjectRef": reference},
        {"expirationSeconds": 3607, "boundObjectRef": reference, "audiences": ["vault"]},
    ):
        plain = claims_of(await token_of(room, account, **spec))
        assert plain["exp"] - plain["iat"] == spec["expirationSeconds"]
        assert "warnafter" not in plain["kubernetes.io"]


async def test_tokens_end_with_their_secret_and_their_node(room: Running, account: str) -> None:
    await room.ask("POST", SECRETS, {"metadata": {"name": f"s-{account}"}})
    await room.ask("POST", "/api/v1/nodes", {"metadata": {"name": f"n-{account}"}})
    for kind, path in (
        ("Secret", f"{SECRETS}/s-{account}"),
        ("Node", f"/api/v1/nodes/n-{account}"),
    ):
        uid = (await room.ask("GET", path)).json["metadata"]["uid"]
        name = path.rpartition("/")[2]
        token = await token_of(room, account, boundObjectRef=bound(kind, name))
        assert claims_of(token)["kubernetes.io"][kind.lower()] == {"name": name, "uid": uid}
        assert (await who(room, token)).code == 201
        await room.ask("DELETE", path)
        assert (await who(room, token)).code == 401
        told = await review(room, token)
        assert told["error"] == "[invalid bearer token, service account token has been invalidated]"


async def test_a_token_ends_with_its_account(room: Running, account: str) -> None:
    token = await token_of(room, account)
    assert (await who(room, token)).code == 201
    await room.ask("DELETE", f"{ACCOUNTS}/{account}")
    refused = await who(room, token)
    assert refused.code == 401
    assert refused.json["message"] == "Unauthorized"
    await room.ask("POST", ACCOUNTS, {"metadata": {"name": account}})
    assert (await who(room, token)).code == 401
    last = room.audit_events()[-1]
    assert last["responseStatus"]["code"] == 401
    assert last["user"] == {}


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


async def filled(room: Running, name: str) -> Any:
    """The Secret, once there is a token in it."""
    async with asyncio.timeout(20):
        while True:
            found = (await room.ask("GET", f"{SECRETS}/{name}")).json
            if "token" in found.get("data", {}):
                return found
            await asyncio.sleep(0.02)


async def gone(room: Running, path: str) -> None:
    async with asyncio.timeout(20):
        while True:
            if (await room.ask("GET", path)).code == 404:
                return
            await asyncio.sleep(0.02)


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
    async with asyncio.timeout(20):
        while True:
            labels = (await room.ask("GET", f"{SECRETS}/{name}")).json["metadata"].get("labels")
            if labels:
                break
            await asyncio.sleep(0.02)
    assert list(labels) == ["kubernetes.io/legacy-token-last-used"]

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
    async with asyncio.timeout(20):
        while True:
            if not (await room.ask("GET", f"{ACCOUNTS}/{account}")).json.get("secrets"):
                return
            await asyncio.sleep(0.02)


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
    async with asyncio.timeout(20):
        while True:
            if public.read_bytes().endswith(told):
                break
            await asyncio.sleep(0.05)
    # Taking the old key out of the file ends its tokens.
    write_private(public, told)
    async with asyncio.timeout(20):
        while True:
            if (await who(room, old)).code == 401:
                break
            await asyncio.sleep(0.05)
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
