"""What one worker gives or takes away counts at the other with the next request."""

from __future__ import annotations

from tests.server.fleet import Connection, FleetServer, connections
from tests.server.workers.conftest import CORE, SECRETS, named


async def test_a_token_ends_at_once_for_every_worker(
    fleet: FleetServer, two: list[Connection]
) -> None:
    """One worker has just believed it; the other deletes what it depends on."""
    who = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    accounts = f"{CORE}/serviceaccounts"
    async with connections(fleet, identity="") as bearers:
        for number in range(20):
            writer, reader = two[number % 2], bearers[1 - number % 2]
            name = f"ending-{number}"
            await writer.done("POST", accounts, named(name))
            await writer.done("POST", SECRETS, named(name))
            bound = {"kind": "Secret", "apiVersion": "v1", "name": name}
            asked = {"spec": {"boundObjectRef": bound}}
            made = await writer.done("POST", f"{accounts}/{name}/token", asked)
            reader.session.headers["Authorization"] = f"Bearer {made['status']['token']}"
            for _ in range(2):
                shown = await reader.done("POST", who, {})
                assert shown["status"]["userInfo"]["username"].endswith(name)
            await writer.done("DELETE", f"{SECRETS if number % 3 else accounts}/{name}")
            assert (await reader.ask("POST", who, {})).code == 401


async def test_a_binding_made_at_one_worker_holds_at_the_other_at_once(
    two: list[Connection],
) -> None:
    """Given and taken away by either: the next request, at the other, is judged by it."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
    await two[0].done("POST", f"{rbac}/clusterroles", named("getter", rules=[rule]))
    group = "rbac.authorization.k8s.io"
    binding = named(
        "getters",
        roleRef={"apiGroup": group, "kind": "ClusterRole", "name": "getter"},
        subjects=[{"apiGroup": group, "kind": "User", "name": "gina"}],
    )
    what = {"verb": "get", "resource": "secrets", "namespace": "default"}
    question = {"spec": {"user": "gina", "resourceAttributes": what}}
    reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    for number in range(50):
        writer, asker = two[number % 2], two[1 - number % 2]
        await writer.done("POST", f"{rbac}/clusterrolebindings", binding)
        assert (await asker.done("POST", reviews, question))["status"]["allowed"]
        await writer.done("DELETE", f"{rbac}/clusterrolebindings/getters")
        assert not (await asker.done("POST", reviews, question))["status"]["allowed"]


async def test_a_grant_taken_back_at_one_worker_gives_nothing_at_the_other_at_once(
    two: list[Connection],
) -> None:
    """A node asks the other worker after each grant and after its end."""
    for name in ("owner", "user"):
        await two[0].done("POST", "/api/v1/namespaces", named(name))
    user = "/api/v1/namespaces/user"
    await two[0].done("POST", f"{user}/serviceaccounts", named("default"))
    await two[0].done(
        "POST", "/api/v1/namespaces/owner/secrets", named("db", stringData={"a": "b"})
    )
    reference = named("db", type="strongroom.io/reference")
    reference["metadata"]["annotations"] = {"strongroom.io/from": "owner/db"}
    await two[0].done("POST", f"{user}/secrets", reference)
    spec = {
        "nodeName": "n1",
        "containers": [{"name": "c", "image": "none"}],
        "volumes": [{"name": "s", "secret": {"secretName": "db"}}],
    }
    await two[0].done("POST", f"{user}/pods", named("p", spec=spec))
    given = {
        "secrets": [{"name": "db", "keys": ["*"]}],
        "to": [{"namespace": "user", "serviceAccounts": ["*"]}],
    }
    grants = "/apis/strongroom.io/v1alpha1/namespaces/owner/secretgrants"
    node = {"Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"}
    for number in range(20):
        writer, asker = two[number % 2], two[1 - number % 2]
        await writer.done("POST", grants, named("g", spec=given))
        assert (await asker.ask("GET", f"{user}/secrets/db", headers=node)).code == 200
        await writer.done("DELETE", f"{grants}/g")
        assert (await asker.ask("GET", f"{user}/secrets/db", headers=node)).code == 404
