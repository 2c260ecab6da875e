"""AuthorizationConfiguration files: what they say, and what is wrong, in upstream's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.access.authz.configuration import (
    AuthorizerPlan,
    WebhookPlan,
    plans_of_modes,
    read_plans,
)
from strongroom.access.authz.port import Verdict
from strongroom.api.configuration import BadConfiguration

HERE = str(Path(__file__).absolute())


def hook(name: str = "hook.example", **changes: Any) -> dict[str, Any]:
    """A webhook's entry; ``None`` leaves a field out."""
    webhook = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "NoOpinion",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": HERE},
    } | changes
    given = {key: value for key, value in webhook.items() if value is not None}
    return {"type": "Webhook", "name": name, "webhook": given}


def own(type_: str, **changes: Any) -> dict[str, Any]:
    return {"type": type_, "name": type_.lower()} | changes


def file(*authorizers: Any, version: str = "v1", **more: Any) -> bytes:
    return yaml.safe_dump(
        {
            "apiVersion": f"apiserver.config.k8s.io/{version}",
            "kind": "AuthorizationConfiguration",
            "authorizers": list(authorizers),
        }
        | more
    ).encode()


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_what_a_file_says(version: str) -> None:
    conditions = [{"expression": "request.user == 'a'"}, {"expression": "request.user != 'b'"}]
    content = file(
        hook("first", matchConditions=conditions, failurePolicy="Deny", authorizedTTL="10s"),
        own("Node"),
        own("RBAC"),
        hook("last", cacheAuthorizedRequests=False, unauthorizedTTL="1m30s", timeout="500ms"),
        hook("odd", cacheUnauthorizedRequests=False, subjectAccessReviewVersion="v1beta1"),
        version=version,
    )
    expressions = tuple(condition["expression"] for condition in conditions)
    here = Path(HERE)
    assert read_plans(content) == (
        AuthorizerPlan(
            "Webhook",
            "first",
            WebhookPlan(here, 3.0, "v1", 10.0, 30.0, Verdict.DENY, expressions),
        ),
        AuthorizerPlan("Node", "node"),
        AuthorizerPlan("RBAC", "rbac"),
        AuthorizerPlan("Webhook", "last", WebhookPlan(here, 0.5, "v1", 0.0, 90.0)),
        AuthorizerPlan("Webhook", "odd", WebhookPlan(here, 3.0, "v1beta1", 300.0, 0.0)),
    )


def test_what_flags_say() -> None:
    plan = WebhookPlan(Path("x"), 30.0, "v1beta1", 300.0, 30.0)
    assert plans_of_modes(("Webhook", "RBAC"), plan) == (
        AuthorizerPlan("Webhook", "webhook", plan),
        AuthorizerPlan("RBAC", "rbac"),
    )


KUBECONFIG = "authorizers[0].connectionInfo.kubeConfigFile: "
CONDITION = "authorizers[0].matchConditions"


def connection(**info: Any) -> dict[str, Any]:
    return hook(connectionInfo=info)


def matching(*expressions: str) -> dict[str, Any]:
    return hook(matchConditions=[{"expression": text} for text in expressions])


@pytest.mark.parametrize(
    ("authorizers", "wrong"),
    [
        ([], "authorizers: Required value: at least one authorization mode must be defined"),
        ([{"name": "x"}], "authorizers[0].type: Required value"),
        (
            [own("ABAC")],
            (
                'authorizers[0].type: Unsupported value: "ABAC": supported values: "AlwaysAllow", '
                '"AlwaysDeny", "Node", "RBAC", "Webhook"'
            ),
        ),
        ([own("RBAC"), own("RBAC")], 'authorizers[1].type: Duplicate value: "RBAC"'),
        ([own("RBAC", name="")], "authorizers[0].name: Required value"),
        ([hook("a"), hook("a")], 'authorizers[1].name: Duplicate value: "a"'),
        (
            [hook("A_b")],
            (
                'authorizers[0].name: Invalid value: "A_b": authorizer name is invalid: a '
                "lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                "characters, '-' or '.', and must start and end with an alphanumeric "
                "character (e.g. 'example.com', regex used for validation is "
                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ),
        ),
        (
            [{"type": "Webhook", "name": "a"}],
            "authorizers[0].webhook: Required value: required when type=Webhook",
        ),
        (
            [own("RBAC", webhook=hook()["webhook"])],
            (
                'authorizers[0].webhook: Invalid value: "non-null": may only be specified when '
                "type=Webhook"
            ),
        ),
        ([hook(timeout=None)], "authorizers[0].timeout: Required value"),
        (
            [hook(timeout="61s")],
            'authorizers[0].timeout: Invalid value: "1m1s": must be > 0s and <= 30s',
        ),
        (
            [hook(timeout="-1s")],
            'authorizers[0].timeout: Invalid value: "-1s": must be > 0s and <= 30s',
        ),
        (
            [hook(authorizedTTL="-2h", unauthorizedTTL="-300ms")],
            (
                '[authorizers[0].authorizedTTL: Invalid value: "-2h0m0s": must be > 0s, '
                'authorizers[0].unauthorizedTTL: Invalid value: "-300ms": must be > 0s]'
            ),
        ),
        (
            [hook(subjectAccessReviewVersion=None)],
            "authorizers[0].subjectAccessReviewVersion: Required value",
        ),
        (
            [hook(subjectAccessReviewVersion="v2")],
            (
                'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported '
                'values: "v1", "v1beta1"'
            ),
        ),
        (
            [
                hook(
                    matchConditionSubjectAccessReviewVersion=None,
                    matchConditions=[{"expression": "true"}],
                )
            ],
            (
                "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required "
                "if match conditions are specified"
            ),
        ),
        (
            [hook(matchConditionSubjectAccessReviewVersion="v1beta1")],
            (
                "authorizers[0].matchConditionSubjectAccessReviewVersion: Unsupported value: "
                '"v1beta1": supported values: "v1"'
            ),
        ),
        ([hook(failurePolicy=None)], "authorizers[0].failurePolicy: Required value"),
        (
            [hook(failurePolicy="Fail")],
            (
                'authorizers[0].failurePolicy: Unsupported value: "Fail": supported values: '
                '"NoOpinion", "Deny"'
            ),
        ),
        ([connection()], "authorizers[0].connectionInfo.type: Required value"),
        (
            [connection(type="DNS")],
            (
                "authorizers[0].connectionInfo.type: Unsupported value: "
                '{"Type":"DNS","KubeConfigFile":null}: supported values: "InClusterConfig", '
                '"KubeConfigFile"'
            ),
        ),
        ([connection(type="KubeConfigFile")], KUBECONFIG + "Required value"),
        (
            [connection(type="KubeConfigFile", kubeConfigFile="a/b")],
            KUBECONFIG + 'Invalid value: "a/b": must be an absolute path',
        ),
        (
            [connection(type="KubeConfigFile", kubeConfigFile="/no/such")],
            KUBECONFIG + 'Invalid value: "/no/such": error loading file: stat /no/such: no such '
            "file or directory",
        ),
        (
            [connection(type="KubeConfigFile", kubeConfigFile="/")],
            KUBECONFIG + 'Invalid value: "/": must be a regular file',
        ),
        (
            [connection(type="InClusterConfig", kubeConfigFile="/x")],
            KUBECONFIG + 'Invalid value: "/x": can only be set when type=KubeConfigFile',
        ),
        (
            [matching(*(f"request.user == '{i}'" for i in range(65)))],
            f"{CONDITION}: Too many: 65: must have at most 64 items",
        ),
        ([matching(" ")], f"{CONDITION}[0].expression: Required value"),
        ([matching("true", "true")], f'{CONDITION}[1].expression: Duplicate value: "true"'),
        (
            [matching("request.user")],
            (
                f'{CONDITION}[0].expression: Invalid value: "request.user": must evaluate to bool '
                "but got string"
            ),
        ),
        (
            [matching("test")],
            (
                f'{CONDITION}[0].expression: Invalid value: "test": compilation failed: ERROR: '
                "<input>:1:1: undeclared reference to 'test' (in container '')\n | test\n | ^"
            ),
        ),
        ([own("Node", name="nodes")], "expected name node for authorizer Node instead of nodes"),
        (
            [connection(type="InClusterConfig")],
            'connectionInfo type "InClusterConfig" is not allowed for authorizer hook.example',
        ),
        ([hook(timeout="3 s")], "invalid duration: expected a duration such as 1h30m"),
    ],
)
def test_what_is_wrong(authorizers: list[Any], wrong: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_plans(file(*authorizers))
    assert str(caught.value) == wrong


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "the file is empty"),
        (b"kind: [", "yaml: line 1"),
        (file(own("RBAC"), kind="Policy"), 'no kind "Policy" is registered'),
        (file(own("RBAC"), version="v2"), "is registered for version"),
        (file(own("RBAC"), more=1), 'strict decoding error: unknown field "more"'),
        (file(hook(ttl="1s")), 'unknown field "authorizers[0].webhook.ttl"'),
        (file(own("RBAC")) + b"kind: AuthorizationConfiguration\n", "already set in map"),
        (file(hook(timeout=3)), "cannot unmarshal number"),
    ],
)
def test_what_is_no_such_file(content: bytes, wrong: str) -> None:
    with pytest.raises(BadConfiguration, match="failed to load AuthorizationConfiguration") as one:
        read_plans(content)
    assert wrong in str(one.value)


def test_types_that_must_stay() -> None:
    with pytest.raises(BadConfiguration, match=r"^missing required types: \[Node RBAC\]$"):
        read_plans(file(hook()), {"RBAC", "Node"})
    assert read_plans(file(own("RBAC"), own("AlwaysDeny")), {"RBAC"})
