"""ValidatingAdmissionPolicy: upstream's behaviours by their names, and what policies may not do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.admission.conftest import MODULE, World
from tests.server.admission.rules import (
    BINDINGS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    POLICIES,
    Rules,
    config_map,
    deployment,
    notes_of,
    refused,
    rule,
)
from tests.server.custom import GROUP, V1, V2, crontab, define, definition, remove_all, version

pytestmark = MODULE


# --- upstream's conformance tests ---------------------------------------------------------------


async def test_validate_against_a_deployment(world: World, rules: Rules) -> None:
    constraints = {"resourceRules": [rule("deployments", "apps")]}
    message = {"messageExpression": "'object.spec.replicas must be no greater than ' + string(1)"}
    first = {"expression": "object.spec.replicas > 1"} | message
    second = {"expression": "object.spec.template.spec.containers.all(c, c.image != '')"}
    assert (await rules.policy(first, second, matchConstraints=constraints)).code == 201
    assert (await rules.bind()).code == 201
    assert (await world.ask("POST", DEPLOYMENTS, deployment("replicated", 2))).code == 201
    answer = await world.ask("POST", DEPLOYMENTS, deployment("single", 1))
    told = (
        "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
        "object.spec.replicas must be no greater than 1"
    )
    assert answer.code == 422
    assert answer.json["reason"] == "Invalid"
    assert answer.json["message"] == f'deployments.apps "single" is forbidden: {told}'
    assert answer.json["details"] == {
        "name": "single",
        "group": "apps",
        "kind": "deployments",
        "causes": [{"message": told}],
    }


async def test_allow_expressions_to_refer_variables(world: World, rules: Rules) -> None:
    variables = [
        {"name": "replicas", "expression": "object.spec.replicas"},
        {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
    ]
    constraints = {"resourceRules": [rule("deployments", "apps")]}
    await rules.policy(
        "variables.replicas > 1",
        "variables.oddReplicas",
        variables=variables,
        matchConstraints=constraints,
    )
    await rules.bind()
    assert (await world.ask("POST", DEPLOYMENTS, deployment("odd", 3))).code == 201
    assert "failed expression: variables.replicas > 1" in await refused(
        world, deployment("one", 1), DEPLOYMENTS
    )
    assert "failed expression: variables.oddReplicas" in await refused(
        world, deployment("even", 4), DEPLOYMENTS
    )


@pytest.mark.parametrize("path", [POLICIES, BINDINGS])
async def test_should_support_api_operations(world: World, rules: Rules, path: str) -> None:
    made = await (rules.policy("true") if path == POLICIES else rules.bind())
    name = made.json["metadata"]["name"]
    listed = await world.ask("GET", path)
    assert name in [item["metadata"]["name"] for item in listed.json["items"]]
    merge = {"Content-Type": "application/merge-patch+json"}
    patch = {"metadata": {"annotations": {"patched": "true"}}}
    patched = await world.ask("PATCH", f"{path}/{name}", patch, headers=merge)
    assert patched.json["metadata"]["annotations"] == {"patched": "true"}
    assert patched.json["metadata"]["generation"] == 1
    changed = patched.json
    changed["spec"] |= (
        {"failurePolicy": "Ignore"} if path == POLICIES else {"validationActions": ["Warn"]}
    )
    updated = await world.ask("PUT", f"{path}/{name}", changed)
    assert (updated.code, updated.json["metadata"]["generation"]) == (200, 2)
    if path == POLICIES:
        status = {"observedGeneration": 2, "typeChecking": {}}
        told = await world.ask("PUT", f"{path}/{name}/status", updated.json | {"status": status})
        assert told.json["status"] == status
    assert (await world.ask("DELETE", f"{path}/{name}")).code == 200
    assert (await world.ask("GET", f"{path}/{name}")).code == 404


async def test_type_checking_and_defaults_of_a_new_policy(rules: Rules) -> None:
    made = (await rules.policy("true")).json["spec"]
    assert made["failurePolicy"] == "Fail"
    assert made["matchConstraints"] == {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [rule(scope="*")],
    }


# --- what follows from a failure ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "code"),
    [("Forbidden", 403), ("Unauthorized", 401), ("RequestEntityTooLarge", 413), ("Invalid", 422)],
)
async def test_a_reason_decides_the_code(
    world: World, rules: Rules, reason: str, code: int
) -> None:
    await rules.policy({"expression": "false", "reason": reason, "message": " not so "})
    await rules.bind()
    answer = await world.ask("POST", CONFIG_MAPS, config_map("reasoned"))
    assert (answer.code, answer.json["reason"]) == (code, reason)
    assert answer.json["message"].endswith("denied request: not so")


async def test_warn_and_audit_let_the_request_through(world: World, rules: Rules) -> None:
    await rules.policy("object.data.size() > 1")
    await rules.bind("warning", validationActions=["Warn", "Audit"])
    answer = await world.ask("POST", CONFIG_MAPS, config_map("warned", a="1"))
    assert answer.code == 201
    assert answer.headers["Warning"] == (
        "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'warning': "
        'failed expression: object.data.size() > 1"'
    )
    noted = notes_of(world, answer)
    assert json.loads(noted["validation.policy.admission.k8s.io/validation_failure"]) == [
        {
            "message": "failed expression: object.data.size() > 1",
            "policy": "p",
            "binding": "warning",
            "expressionIndex": 0,
            "validationActions": ["Warn", "Audit"],
        }
    ]


async def test_audit_annotations_are_written(world: World, rules: Rules) -> None:
    note = {"key": "size", "valueExpression": "'size ' + string(object.data.size())"}
    silent = {"key": "none", "valueExpression": "object.data.size() > 5 ? 'many' : ''"}
    assert (await rules.policy(auditAnnotations=[note, silent])).code == 201
    await rules.bind()
    answer = await world.ask("POST", CONFIG_MAPS, config_map("noted", a="1"))
    assert answer.code == 201
    noted = notes_of(world, answer)
    assert noted["p/size"] == "size 1"
    assert "p/none" not in noted


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"messageExpression": "'a is ' + object.data.a"}, "a is 1"),
        ({"messageExpression": "object.data.zz + ''", "message": "given"}, "given"),
        ({"messageExpression": "'two\\nlines'", "message": "given"}, "given"),
        ({"messageExpression": "'  '"}, "failed expression: 1 == 2"),
    ],
)
async def test_the_message_of_a_failure(
    world: World, rules: Rules, spec: dict[str, Any], message: str
) -> None:
    await rules.policy({"expression": " 1 == 2 "} | spec)
    await rules.bind()
    assert (await refused(world, config_map(a="1"))).endswith(f"denied request: {message}")


async def test_errors_refuse_or_are_ignored_as_the_policy_says(world: World, rules: Rules) -> None:
    await rules.policy("object.data.missing == 'a'")
    await rules.bind()
    assert (await refused(world, config_map(a="1"))).endswith(
        "expression 'object.data.missing == 'a'' resulted in error: no such key: missing"
    )
    merge = {"Content-Type": "application/merge-patch+json"}
    ignore = {"spec": {"failurePolicy": "Ignore"}}
    assert (await world.ask("PATCH", f"{POLICIES}/p", ignore, headers=merge)).code == 200
    assert (await world.ask("POST", CONFIG_MAPS, config_map(a="1"))).code == 201


# --- which requests -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "judged"),
    [
        ({"objectSelector": {"matchLabels": {"judged": "yes"}}}, True),
        ({"objectSelector": {"matchLabels": {"judged": "no"}}}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, False),
        ({"excludeResourceRules": [rule(resourceNames=["named"])]}, False),
        ({"excludeResourceRules": [rule(resourceNames=["another"])]}, True),
        ({"resourceRules": [rule(operations=["UPDATE"])]}, False),
        ({"resourceRules": [rule(scope="Cluster")]}, False),
        ({"resourceRules": [rule(resourceNames=["named"])]}, True),
    ],
)
async def test_constraints_decide_who_is_judged(
    world: World, rules: Rules, match: dict[str, Any], judged: bool
) -> None:
    constraints = {"resourceRules": [rule()]} | match
    assert (await rules.policy("false", matchConstraints=constraints)).code == 201
    await rules.bind()
    body = config_map("named", {"judged": "yes"})
    made = await world.ask("POST", f"{CONFIG_MAPS}?dryRun=All", body)
    assert made.code == (422 if judged else 201)


async def test_a_binding_narrows_what_its_policy_matches(world: World, rules: Rules) -> None:
    await rules.policy("false")
    await rules.bind(matchResources={"objectSelector": {"matchLabels": {"strict": "yes"}}})
    assert (await world.ask("POST", CONFIG_MAPS, config_map())).code == 201
    assert (await world.ask("POST", CONFIG_MAPS, config_map("", {"strict": "yes"}))).code == 422


async def test_match_conditions_filter(world: World, rules: Rules) -> None:
    conditions = [
        {"name": "admin", "expression": "'system:masters' in request.userInfo.groups"},
        {"name": "not-free", "expression": "!object.metadata.name.startsWith('free')"},
    ]
    await rules.policy("false", matchConditions=conditions)
    await rules.bind()
    assert (await world.ask("POST", CONFIG_MAPS, config_map("free-one"))).code == 201
    assert (await world.ask("POST", CONFIG_MAPS, config_map("bound"))).code == 422


async def test_a_policy_without_a_binding_does_nothing(world: World, rules: Rules) -> None:
    await rules.policy("false")
    assert (await world.ask("POST", CONFIG_MAPS, config_map())).code == 201


async def test_policies_never_judge_policies(rules: Rules) -> None:
    everything = rule("*", "*", apiVersions=["*"], operations=["*"])
    await rules.policy("false", matchConstraints={"resourceRules": [everything]})
    await rules.bind()
    assert (await rules.policy("true", name="second")).code == 201


async def test_deletions_show_the_old_object(world: World, rules: Rules) -> None:
    await world.ask("POST", CONFIG_MAPS, config_map("kept", a="1"))
    constraints = {"resourceRules": [rule(operations=["DELETE"])]}
    await rules.policy("object == null && oldObject.data.a != '1'", matchConstraints=constraints)
    await rules.bind()
    answer = await world.ask("DELETE", f"{CONFIG_MAPS}/kept")
    assert answer.code == 422
    assert "failed expression: object == null" in answer.json["message"]


# --- what expressions see -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "request.operation == 'CREATE' && request.resource.resource == 'configmaps'",
        "request.kind.kind == 'ConfigMap' && request.namespace == 'default'",
        "request.name == object.metadata.name && !request.dryRun",
        "oldObject == null && object.apiVersion == 'v1' && object.kind == 'ConfigMap'",
        "namespaceObject.metadata.name == 'default'",
        "namespaceObject.status.phase == 'Active'",
        "authorizer.group('').resource('secrets').namespace('x').check('get').allowed()",
        "authorizer.requestResource.check('create').allowed()",
        "authorizer.path('/metrics').check('get').allowed()",
        (
            "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets')"
            ".check('list').allowed()"
        ),
    ],
)
async def test_what_an_expression_sees(world: World, rules: Rules, expression: str) -> None:
    assert (await rules.policy(expression)).code == 201
    await rules.bind()
    answer = await world.ask("POST", CONFIG_MAPS, config_map("seen", a="1"))
    assert answer.code == 201, answer.json["message"]
    await world.ask("DELETE", f"{CONFIG_MAPS}/seen")


# --- parameters ---------------------------------------------------------------------------------

PARAM_KIND = {"apiVersion": "v1", "kind": "ConfigMap"}


async def test_parameters_by_name_and_by_selector(world: World, rules: Rules) -> None:
    await world.ask("POST", CONFIG_MAPS, config_map("params", {"role": "params"}, least="2"))
    await rules.policy("object.data.size() >= int(params.data.least)", paramKind=PARAM_KIND)
    ref = {"name": "params", "parameterNotFoundAction": "Deny"}
    await rules.bind("named", paramRef=ref)
    told = "denied request: failed expression: object.data.size() >= int(params.data.least)"
    assert (await refused(world, config_map(a="1"))).endswith(told)
    assert (await world.ask("POST", CONFIG_MAPS, config_map(a="1", b="2"))).code == 201
    await world.ask("DELETE", f"{BINDINGS}/named")
    chosen = {"selector": {"matchLabels": {"role": "params"}}, "namespace": "default"}
    await rules.bind("selected", paramRef=chosen | {"parameterNotFoundAction": "Allow"})
    assert (await refused(world, config_map(a="1"))).endswith(told)


async def test_parameters_that_are_not_there(world: World, rules: Rules) -> None:
    await rules.policy("params.data.x == 'y'", paramKind=PARAM_KIND)
    await rules.bind("lenient", paramRef={"name": "none", "parameterNotFoundAction": "Allow"})
    assert (await world.ask("POST", CONFIG_MAPS, config_map())).code == 201
    await rules.bind("strict", paramRef={"name": "none", "parameterNotFoundAction": "Deny"})
    assert (await refused(world, config_map())) == (
        "ValidatingAdmissionPolicy 'p' with binding 'strict' denied request: failed to configure "
        "binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )


async def test_a_kind_of_parameters_that_nobody_serves(world: World, rules: Rules) -> None:
    kind = {"apiVersion": "example.com/v1", "kind": "Limit"}
    await rules.policy("true", paramKind=kind)
    await rules.bind()
    assert (await refused(world, config_map())) == (
        "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find "
        "resource referenced by paramKind: 'example.com/v1, Kind=Limit'"
    )


async def test_custom_resources_are_judged_and_are_parameters(world: World, rules: Rules) -> None:
    await define(world.api, definition(version(), version("v2", storage=False)))
    try:
        judged = rule("crontabs", GROUP)
        equal = "has(object.spec.color) && object.spec.color == params.spec.color"
        made = await rules.policy(
            {"expression": equal, "messageExpression": "'not ' + params.spec.color"},
            paramKind={"apiVersion": f"{GROUP}/v1", "kind": "CronTab"},
            matchConstraints={"resourceRules": [judged]},
        )
        assert made.code == 201, made.json
        assert (await world.ask("POST", V1, crontab("wanted", color="red"))).code == 201
        await rules.bind(paramRef={"name": "wanted", "parameterNotFoundAction": "Deny"})
        assert (await world.ask("POST", V1, crontab("same", color="red"))).code == 201
        assert (await refused(world, crontab("other", color="blue"), V1)).endswith(": not red")
        # By another version of the kind too, since matchPolicy is Equivalent.
        other = crontab("by-v2", api=f"{GROUP}/v2", color="blue")
        assert (await refused(world, other, V2)).endswith(": not red")
    finally:
        await remove_all(world.api)


# --- nobody is harmed ---------------------------------------------------------------------------


async def test_an_expression_that_never_ends_is_stopped(world: World, rules: Rules) -> None:
    costly = "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, c >= 0)))"
    assert (await rules.policy(costly)).code == 201
    await rules.bind()
    # Whether the limit of units or that of seconds comes first, the machine decides.
    ends = ("operation cancelled: actual cost limit exceeded", "running out of cost budget")
    told = await refused(world, config_map())
    assert any(end in told for end in ends), told


async def test_messages_about_secrets_hold_none_of_their_values(world: World, rules: Rules) -> None:
    constraints = {"resourceRules": [rule("secrets")]}
    await rules.policy("int(object.data.password) > 1", matchConstraints=constraints)
    await rules.bind()
    secret = {"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
    answer = await world.ask("POST", "/api/v1/namespaces/default/secrets", secret)
    assert answer.code == 422
    assert "type conversion error from 'string' to 'int'" in answer.json["message"]
    assert b"hunter2" not in answer.body
    assert b"aHVudGVyMg" not in answer.body
