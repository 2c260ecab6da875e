"""Which rule of a policy a request matches, and what is recorded of it."""

from typing import Any

import msgspec
import pytest

from strongroom.access.user import User
from strongroom.server.audit.policy import (
    DEFAULT,
    PANIC,
    RESPONSE_COMPLETE,
    Judging,
    Level,
    matches,
)
from strongroom.server.audit.policy_file import Policy, PolicyRule
from strongroom.server.urls import parse_target

ANN = User("ann", groups=("people", "system:authenticated"))
PODS = "/api/v1/namespaces/a/pods"


def policy(*rules: dict[str, Any], **fields: Any) -> Policy:
    return msgspec.convert({"rules": rules, **fields}, Policy)


def core(*resources: str, names: tuple[str, ...] = (), group: str = "") -> dict[str, Any]:
    entry = {"group": group, "resources": resources, "resourceNames": names}
    return {"resources": [entry]}


# Each rule with requests that it matches and some that it does not; GET unless said otherwise.
RULES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({}, [PODS, "/healthz", "/"], []),
    ({"users": ["ann"]}, [PODS, "/x"], []),
    ({"users": ["bob"]}, [], [PODS]),
    ({"userGroups": ["x", "people"]}, [PODS], []),
    ({"userGroups": ["x"]}, [], [PODS]),
    ({"users": ["ann"], "userGroups": ["x"]}, [], [PODS]),
    ({"verbs": ["list"]}, [PODS], [f"{PODS}/p", f"{PODS}?watch=1", "/healthz", f"POST {PODS}"]),
    ({"verbs": ["get"]}, [f"{PODS}/p", "/healthz"], [PODS]),
    ({"verbs": ["post"]}, ["POST /x"], [f"POST {PODS}"]),
    ({"namespaces": ["a"]}, [PODS], ["/api/v1/pods", "/healthz", "/api/v1/namespaces/b/pods"]),
    ({"namespaces": [""]}, ["/api/v1/pods", "/api/v1/nodes"], [PODS, "/healthz"]),
    ({"namespaces": ["a"]}, ["/api/v1/namespaces/a"], ["/api/v1/namespaces"]),
    (core("pods"), [PODS, f"{PODS}/p"], [f"{PODS}/p/log", "/apis/x.y/v1/pods", "/pods"]),
    (core("pods/log"), [f"{PODS}/p/log"], [PODS, f"{PODS}/p/status"]),
    (core("pods/*"), [f"{PODS}/p/log", PODS], ["/api/v1/secrets"]),
    (core("*/status"), [f"{PODS}/p/status"], [PODS, f"{PODS}/p/log"]),
    (core("*"), [PODS, f"{PODS}/p/log", "/api/v1/nodes"], ["/apis/apps/v1/deployments"]),
    (core(), [PODS, f"{PODS}/p/log"], ["/apis/apps/v1/deployments", "/healthz"]),
    (core(group="apps"), ["/apis/apps/v1/deployments"], [PODS]),
    (core(group="*"), ["/apis/apps/v1/deployments", PODS], ["/healthz"]),
    (core("pods", names=("p",)), [f"{PODS}/p"], [PODS, f"{PODS}/q"]),
    (core("pods", names=("p",)), [f"{PODS}?fieldSelector=metadata.name%3Dp"], []),
    ({"namespaces": ["b"], **core("pods")}, [], [PODS]),
    ({"nonResourceURLs": ["/healthz"]}, ["/healthz"], ["/healthz/ping", "/x", PODS]),
    ({"nonResourceURLs": ["/healthz*"]}, ["/healthz", "/healthz/ping", "/healthzz"], ["/x"]),
    ({"nonResourceURLs": ["*"]}, ["/x", "/"], [PODS]),
    ({"nonResourceURLs": ["/api/*"]}, ["/api/v1"], ["/api", PODS]),
]


@pytest.mark.parametrize(("rule", "yes", "no"), RULES)
def test_rules_match_as_upstreams(rule: dict[str, Any], yes: list[str], no: list[str]) -> None:
    made = msgspec.convert({"level": "Metadata", **rule}, PolicyRule)
    for request in (*yes, *no):
        method, _, url = request.rpartition(" ")
        path, _, query = url.partition("?")
        target = parse_target(method or "GET", path.encode(), query.encode())
        assert matches(made, target, ANN) is (request in yes), request


def test_nobody_is_in_no_group() -> None:
    target = parse_target("GET", b"/x", b"")
    for field in ("users", "userGroups"):
        rule = msgspec.convert({"level": "None", field: ["ann", "people"]}, PolicyRule)
        assert not matches(rule, target, None)


def judged(rules: Policy, url: str, *, always: bool = False, method: str = "GET") -> Any:
    path, _, query = url.partition("?")
    target = parse_target(method, path.encode(), query.encode())
    return Judging(rules, secrets_always=always).of(target, ANN)


def test_the_first_rule_that_matches_decides() -> None:
    rules = policy({"level": "Request", **core("pods")}, {"level": "None"}, {"level": "Metadata"})
    assert judged(rules, PODS).level is Level.REQUEST
    assert judged(rules, "/healthz").level is Level.NONE


def test_what_matches_none_is_not_recorded() -> None:
    judgement = judged(policy({"level": "Metadata", "users": ["bob"]}), PODS)
    assert judgement.level is Level.NONE
    assert not judgement.stages


def test_stages_of_policy_and_rule_are_omitted_together() -> None:
    rule = {"level": "Metadata", "omitStages": ["ResponseStarted"]}
    judgement = judged(policy(rule, omitStages=["RequestReceived"]), PODS)
    assert judgement.stages == {RESPONSE_COMPLETE, PANIC}


@pytest.mark.parametrize(
    ("whole", "own", "omitted"), [(True, None, True), (True, False, False), (False, True, True)]
)
def test_a_rule_says_about_managed_fields_before_the_policy(
    whole: bool, own: bool | None, omitted: bool
) -> None:
    rule = {"level": "Request", "omitManagedFields": own}
    judgement = judged(policy(rule, omitManagedFields=whole), PODS)
    assert judgement.managed_fields is not omitted


IN_A = "/api/v1/namespaces/a"
CONCERNED = [
    f"{IN_A}/secrets",
    f"{IN_A}/secrets/s",
    f"{IN_A}/secrets/s/anything",
    "/api/v1/secrets?watch=1",
    f"POST {IN_A}/serviceaccounts/s/token",
    "POST /apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/strongroom.io/v1alpha1/namespaces/a/secretrevisions/r",
    "/apis/strongroom.io/v1alpha1/secretgrants",
    "PATCH /apis/strongroom.io/v1alpha1/namespaces/a/secretalerts/s/status",
    "POST /apis/strongroom.io/v1alpha1/encryptionoperations",
]
UNCONCERNED = [f"{IN_A}/serviceaccounts/s", PODS, "/healthz", "/apis/x.y/v1/secrets"]


@pytest.mark.parametrize("request_line", CONCERNED + UNCONCERNED)
def test_use_of_secrets_is_always_recorded(request_line: str) -> None:
    method, _, url = request_line.rpartition(" ")
    nothing = policy({"level": "None"})
    found = judged(nothing, url, always=True, method=method or "GET")
    assert found.level is (Level.METADATA if request_line in CONCERNED else Level.NONE)
    assert judged(nothing, url, method=method or "GET").level is Level.NONE


def test_the_end_of_a_use_of_secrets_is_not_omitted() -> None:
    stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
    rules = policy({"level": "RequestResponse"}, omitStages=stages)
    judgement = judged(rules, f"{IN_A}/secrets", always=True)
    assert judgement.level is Level.REQUEST_RESPONSE
    assert judgement.stages == {RESPONSE_COMPLETE, PANIC}
    assert not judged(rules, PODS, always=True).stages


def test_a_url_without_meaning_may_have_meant_a_secret() -> None:
    nothing = policy({"level": "None"})
    path = "/api/v1/namespaces/a/x/../secrets"
    assert Judging(nothing, secrets_always=True).of_unread("GET", path) == DEFAULT
    assert Judging(nothing, secrets_always=False).of_unread("GET", path).level is Level.NONE


def test_what_is_kept_of_a_user_is_not_another_users() -> None:
    judging = Judging(policy({"level": "Request", "users": ["ann"]}), secrets_always=False)
    target = parse_target("GET", PODS.encode(), b"")
    assert target.lasting
    for user, level in ((ANN, 2), (User("bob"), 0), (None, 0), (User("ann"), 2), (ANN, 2)):
        assert judging.of(target, user).level == level
    for number in range(40):
        assert judging.of(target, User(f"u{number}")).level is Level.NONE
