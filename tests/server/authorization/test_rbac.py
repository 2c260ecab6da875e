"""Roles and bindings over HTTP: what they allow, from when on, and who may write them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.authorization.conftest import GROUP, Cluster, can, to
from tests.server.conftest import secret

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = "/api/v1/namespaces/default/secrets"
ROLES = f"{GROUP}/namespaces/default/roles"
BINDINGS = f"{GROUP}/namespaces/default/rolebindings"
CLUSTER_ROLES = f"{GROUP}/clusterroles"
LEASES_GROUP = "coordination.k8s.io"


async def test_a_binding_is_in_effect_at_the_next_request(cluster: Cluster) -> None:
    refused = await cluster.ask("ann", "GET", SECRETS)
    assert refused.code == 403
    assert refused.json["message"] == (
        'secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" '
        'in the namespace "default"'
    )
    await cluster.make("roles", "default", "lister", rules=[can("list", "secrets")])
    await cluster.make("rolebindings", "default", "ann", **to("ann", "lister", "Role"))
    assert (await cluster.ask("ann", "GET", SECRETS)).code == 200
    assert (await cluster.ask("ann", "GET", "/api/v1/secrets")).code == 403
    assert (await cluster.ask("ann", "GET", f"{SECRETS}/x")).code == 403
    changed = {"metadata": {"name": "lister"}, "rules": [can("get", "secrets")]}
    assert (await cluster.ask("", "PUT", f"{ROLES}/lister", changed)).code == 200
    assert (await cluster.ask("ann", "GET", SECRETS)).code == 403
    assert (await cluster.ask("ann", "GET", f"{SECRETS}/x")).code == 404
    await cluster.ask("", "DELETE", f"{BINDINGS}/ann")
    assert (await cluster.ask("ann", "GET", f"{SECRETS}/x")).code == 403


async def test_a_role_that_is_not_there_is_named_in_the_refusal(cluster: Cluster) -> None:
    await cluster.make("rolebindings", "default", "bea-1", **to("bea", "none"))
    one = (await cluster.ask("bea", "GET", SECRETS)).json["message"]
    assert one.endswith(
        'in the namespace "default": rbac: RBAC: '
        'clusterrole.rbac.authorization.k8s.io "none" not found'
    )
    await cluster.make("rolebindings", "default", "bea-2", **to("bea", "nor", "Role"))
    two = (await cluster.ask("bea", "GET", SECRETS)).json["message"]
    assert two.endswith(
        'RBAC: [clusterrole.rbac.authorization.k8s.io "none" not found, '
        'role.rbac.authorization.k8s.io "nor" not found]'
    )


async def test_names_groups_and_single_objects(cluster: Cluster) -> None:
    rule = can("get list watch", "secrets", resourceNames=["one"])
    await cluster.make("clusterroles", "", "only-one", rules=[rule])
    group = [{"kind": "Group", "name": "cats"}]
    await cluster.make(
        "rolebindings", "default", "cats", **to("", "only-one") | {"subjects": group}
    )
    await cluster.ask("", "POST", SECRETS, secret("one"))

    async def asked(path: str) -> int:
        return (await cluster.ask("cyd", "GET", path, None, "cats")).code

    assert await asked(f"{SECRETS}/one") == 200
    assert await asked(f"{SECRETS}/two") == 403
    assert await asked(SECRETS) == 403
    assert await asked(f"{SECRETS}?fieldSelector=metadata.name%3Done") == 200
    assert await asked(f"{SECRETS}?fieldSelector=metadata.name%3Dtwo") == 403
    assert (await cluster.ask("cyd", "GET", f"{SECRETS}/one")).code == 403


async def test_paths_that_are_no_resources(cluster: Cluster) -> None:
    assert (await cluster.ask("dan", "GET", "/metrics")).json["message"] == (
        'forbidden: User "dan" cannot get path "/metrics"'
    )
    await cluster.grant("dan", "system:monitoring")
    assert (await cluster.ask("dan", "GET", "/metrics")).code == 200
    assert (await cluster.ask("dan", "GET", "/readyz/ping")).code == 200
    assert (await cluster.ask("system:anonymous", "GET", "/metrics")).code == 403


async def test_nobody_gives_what_they_have_not(cluster: Cluster) -> None:
    rules = [can("*", "roles rolebindings", "rbac.authorization.k8s.io"), can("get", "pods")]
    rules[0]["verbs"] = ["get", "create", "update", "patch"]
    await cluster.make("clusterroles", "", "manages", rules=rules)
    await cluster.grant("eve", "manages", "default")

    async def wrote(path: str, body: Any, method: str = "POST") -> Any:
        return await cluster.ask("eve", method, path, body)

    mine = {"metadata": {"name": "mine"}, "rules": [can("get", "pods")]}
    assert (await wrote(ROLES, mine)).code == 201
    more = {"metadata": {"name": "more"}, "rules": [can("get list", "pods secrets")]}
    refused = await wrote(ROLES, more)
    assert refused.code == 403
    assert refused.json["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "eve" '
        '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently '
        'held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    )
    grown = {"metadata": {"name": "mine"}, "rules": more["rules"]}
    assert (await wrote(f"{ROLES}/mine", grown, "PUT")).code == 403
    # It is wrong as well, but first of all it is not allowed.
    assert (
        await wrote(ROLES, {"metadata": {"name": "a/b"}} | {"rules": more["rules"]})
    ).code == 403

    own = {"metadata": {"name": "own"}} | to("eve", "mine", "Role")
    assert (await wrote(BINDINGS, own)).code == 201
    admin = {"metadata": {"name": "admin"}} | to("eve", "cluster-admin")
    refused = await wrote(BINDINGS, admin)
    assert refused.code == 403
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in refused.json["message"]
    missing = await wrote(BINDINGS, {"metadata": {"name": "m"}} | to("eve", "no-such"))
    assert missing.code == 404
    assert missing.json["message"] == ('clusterrole.rbac.authorization.k8s.io "no-such" not found')


async def test_the_verbs_bind_and_escalate_allow_it(cluster: Cluster) -> None:
    group = "rbac.authorization.k8s.io"
    rules = [
        can("create", "rolebindings", group),
        can("bind", "clusterroles", group, resourceNames=["view"]),
        can("create update", "roles", group),
    ]
    await cluster.make("clusterroles", "", "binds-view", rules=rules)
    await cluster.grant("fay", "binds-view", "default")
    view = {"metadata": {"name": "fay-view"}} | to("joe", "view")
    assert (await cluster.ask("fay", "POST", BINDINGS, view)).code == 201
    edit = {"metadata": {"name": "fay-edit"}} | to("joe", "system:aggregate-to-edit")
    assert (await cluster.ask("fay", "POST", BINDINGS, edit)).code == 403

    role = {"metadata": {"name": "fays"}, "rules": [can("*", "*")]}
    assert (await cluster.ask("fay", "POST", ROLES, role)).code == 403
    await cluster.make("roles", "default", "escalates", rules=[can("escalate", "roles", group)])
    await cluster.make("rolebindings", "default", "fay-2", **to("fay", "escalates", "Role"))
    assert (await cluster.ask("fay", "POST", ROLES, role)).code == 201


async def test_only_who_may_everything_aggregates(cluster: Cluster) -> None:
    rule = can("create update patch", "clusterroles", "rbac.authorization.k8s.io")
    await cluster.make("clusterroles", "", "writes-roles", rules=[rule])
    await cluster.grant("gus", "writes-roles")
    chosen = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    made = {"metadata": {"name": "all"}, "aggregationRule": chosen}
    refused = await cluster.ask("gus", "POST", CLUSTER_ROLES, made)
    assert refused.code == 403
    assert refused.json["message"] == (
        'clusterroles.rbac.authorization.k8s.io "all" is forbidden: '
        "must have cluster-admin privileges to use the aggregationRule"
    )
    await cluster.grant("gus", "cluster-admin")
    assert (await cluster.ask("gus", "POST", CLUSTER_ROLES, made)).code == 201


async def test_the_default_roles_are_there_as_upstream_has_them(cluster: Cluster) -> None:
    roles = {
        r["metadata"]["name"]: r
        for r in (await cluster.ask("", "GET", CLUSTER_ROLES)).json["items"]
    }
    assert {"admin", "edit", "view", "cluster-admin", "system:node"} <= set(roles)
    for name in ("view", "system:controller:job-controller"):
        metadata = roles[name]["metadata"]
        assert metadata["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"
        autoupdate = "rbac.authorization.kubernetes.io/autoupdate"
        assert metadata["annotations"] == {autoupdate: "true"}
    node = (await cluster.ask("", "GET", f"{GROUP}/clusterrolebindings/system:node")).json
    assert "subjects" not in node
    viewed = [r for rule in roles["system:aggregate-to-view"]["rules"] for r in rule["resources"]]
    assert "configmaps" in viewed
    assert "secrets" not in viewed


async def test_the_reason_is_on_record(cluster: Cluster) -> None:
    await cluster.grant("hal", "cluster-admin")
    assert (await cluster.ask("hal", "GET", "/api/v1/nodes")).code == 200
    events = [e for e in cluster.api.audit_events() if e.get("impersonatedUser")]
    event = next(e for e in events if e["impersonatedUser"]["username"] == "hal")
    assert event["user"]["groups"] == ["system:masters", "system:authenticated"]
    assert event["impersonatedUser"]["groups"] == ["system:authenticated"]
    assert event["annotations"]["authorization.k8s.io/reason"] == (
        'RBAC: allowed by ClusterRoleBinding "hal-cluster-admin" of ClusterRole '
        '"cluster-admin" to User "hal"'
    )


async def test_who_makes_an_object_by_a_change_needs_the_right_to(cluster: Cluster) -> None:
    changes = [can("update patch", "secrets"), can("update patch", "leases", LEASES_GROUP)]
    await cluster.make("roles", "default", "changes", rules=changes)
    await cluster.make("rolebindings", "default", "moe", **to("moe", "changes", "Role"))
    leases = f"/apis/{LEASES_GROUP}/v1/namespaces/default/leases"

    async def told(method: str, path: str, name: str, version: str, kind: str) -> tuple[int, str]:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
        headers = {"Impersonate-User": "moe"}
        if method == "PATCH":
            path, headers["Content-Type"] = f"{path}?fieldManager=m", "application/apply-patch+yaml"
        answer = await cluster.api.ask(method, path, body, headers=headers)
        return answer.code, answer.json.get("message", "")

    applied = ("PATCH", f"{SECRETS}/made", "made", "v1", "Secret")
    refusal = (
        'User "moe" cannot create resource "secrets" in API group "" in the namespace "default"'
    )
    assert await told(*applied) == (403, f'secrets "made" is forbidden: {refusal}')
    put = ("PUT", f"{leases}/made", "made", f"{LEASES_GROUP}/v1", "Lease")
    assert (await told(*put))[0] == 403
    assert (await cluster.ask("", "GET", f"{SECRETS}/made")).code == 404
    await cluster.ask("", "POST", SECRETS, secret("made"))
    assert (await told(*applied))[0] == 200
    both = [can("create", "secrets"), can("create", "leases", LEASES_GROUP)]
    await cluster.make("roles", "default", "makes", rules=both)
    await cluster.make("rolebindings", "default", "moe-2", **to("moe", "makes", "Role"))
    await cluster.ask("", "DELETE", f"{SECRETS}/made")
    assert (await told(*applied))[0] == 201
    assert (await told(*put))[0] == 201


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        ("", 200),
        ("metadata.name%3Dtwo", 400),
        ("metadata.name!%3Done", 400),
        ("type%3DOpaque", 400),
        ("metadata.name%3Done,metadata.name%3Dtwo", 200),
    ],
)
async def test_a_watch_of_one_name_by_its_path_selects_no_others(
    cluster: Cluster, selector: str, code: int
) -> None:
    user = f"eve-{selector}".translate({ord(c): "-" for c in "%!=,."}).lower()
    rule = can("watch", "secrets", resourceNames=["eve-one"])
    await cluster.make("roles", "default", user, rules=[rule])
    await cluster.make("rolebindings", "default", user, **to(user, user, "Role"))
    await cluster.ask("", "POST", SECRETS, secret("eve-two", k="value"))
    watch = "/api/v1/watch/namespaces/default/secrets/eve-one?timeoutSeconds=1"
    selector = selector.replace("one", "eve-one").replace("two", "eve-two")
    answer = await cluster.ask(user, "GET", f"{watch}&fieldSelector={selector}")
    assert answer.code == code
    assert b"eve-two" not in answer.body
