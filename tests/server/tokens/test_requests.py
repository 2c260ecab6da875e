"""Tokens of ServiceAccounts over HTTP: asked for, shown, and ended with what they depend on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Running
from tests.server.tokens.conftest import (
    ACCOUNTS,
    ISSUER,
    PODS,
    SECRETS,
    bound,
    claims_of,
    make_pod,
    request,
    review,
    token_of,
    who,
)

pytestmark = pytest.mark.asyncio(loop_scope="package")

YEAR = 365 * 24 * 3600


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
