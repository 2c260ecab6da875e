"""Owners of shared Secrets: who may share, what they learn of users, what a restart keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.authorization.conftest import GROUP, can
from tests.server.conftest import Answer, running
from tests.server.sharing.conftest import GRANTS, Vaults

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _grant(to: str, *secrets: tuple[str, str]) -> dict[str, Any]:
    spec = {
        "secrets": [{"name": name, "keys": keys.split()} for name, keys in secrets],
        "to": [{"namespace": to, "serviceAccounts": ["*"]}],
    }
    return {"metadata": {"name": "g"}, "spec": spec}


async def _give(vaults: Vaults, namespace: str, user: str, *rules: dict[str, Any]) -> None:
    path = f"{GROUP}/namespaces/{namespace}"
    await vaults.done("POST", f"{path}/roles", {"metadata": {"name": user}, "rules": list(rules)})
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
        "subjects": [{"kind": "User", "name": user}],
    }
    await vaults.done("POST", f"{path}/rolebindings", binding)


async def test_who_shares_a_secret_may_get_it(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    _, other = await vaults.namespaces()
    writes = can("create update patch", "secretgrants", "strongroom.io")
    await _give(
        vaults,
        vault,
        "ann",
        writes,
        can("get", "secrets", resourceNames=["mine"]),
        can("get", "secrets/keys", resourceNames=["half/user"]),
    )

    async def write(method: str, *secrets: tuple[str, str], to: str = shop) -> Answer:
        path = f"{GRANTS}/{vault}/secretgrants" + ("/g" if method == "PUT" else "")
        headers = {"Impersonate-User": "ann"}
        return await vaults.api.ask(method, path, _grant(to, *secrets), headers=headers)

    # The same words, whether it is there or not.
    await vaults.secret(vault, "there", password="one")
    for name in ("there", "not-there"):
        refused = await write("POST", ("mine", "*"), (name, "*"))
        assert refused.code == 403
        assert refused.json["message"] == (
            'secretgrants.strongroom.io "g" is forbidden: user "ann" '
            '(groups=["system:authenticated"]) is attempting to share Secrets that they may not '
            f"get: {vault}/{name}"
        )
    assert (await write("POST", ("half", "*"))).code == 403
    assert (await write("POST", ("half", "user password"))).code == 403
    assert (await write("POST", ("mine", "*"), ("half", "user"))).code == 201
    assert (await write("PUT", ("there", "*"))).code == 403

    # What somebody else shares may stay, and be shared with fewer; with others it may not.
    await vaults.done("PUT", f"{GRANTS}/{vault}/secretgrants/g", _grant(shop, ("there", "*")))
    assert (await write("PUT", ("there", "*"), ("mine", "*"))).code == 200
    assert (await write("PUT", ("there", "*"), to=other)).code == 403


async def test_what_is_used_elsewhere_counts_as_used(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.pod(shop, "web", "db")
    path = f"/api/v1/namespaces/{vault}/secrets/db?dryRun=All"
    free = await vaults.ask("DELETE", path)
    assert free.headers.getall("Warning", []) == [], "nobody is given it"
    await vaults.grant(vault, shop)
    used = await vaults.ask("DELETE", path)
    assert used.headers.getall("Warning") == [
        f'299 - "Secret \\"db\\" is used by Pod of namespace \\"{shop}\\""'
    ], "and not under which name"
    deny = {"metadata": {"annotations": {"strongroom.io/deletion-guard": "deny"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    await vaults.api.ask("PATCH", f"/api/v1/namespaces/{vault}", deny, headers=headers)
    assert (await vaults.ask("DELETE", path)).code == 403
    some = f"/api/v1/namespaces/{vault}/secrets?dryRun=All&fieldSelector=metadata.name%3Ddb"
    assert (await vaults.ask("DELETE", some)).code == 403


async def test_a_server_that_starts_again_gives_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        vaults = Vaults(api)
        vault, shop = await vaults.namespaces()
        await vaults.secret(vault, "db", password="one")
        await vaults.reference(shop, "db", f"{vault}/db")
        await vaults.grant(vault, shop)
        await vaults.pod(shop, "web", "db")
        before = await vaults.shown(shop, "db")
    async with running(tmp_path) as api:
        vaults = Vaults(api)
        assert await vaults.shown(shop, "db") == before
        await vaults.revoke(vault)
        assert await vaults.shown(shop, "db") is None
    async with running(tmp_path) as api:
        assert await Vaults(api).shown(shop, "db") is None


async def test_metrics_tell_of_values_and_references_have_none(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    page = (await vaults.ask("GET", "/metrics")).body.decode()
    assert f'strongroom_secret_age_seconds{{name="db",namespace="{vault}"}}' in page
    assert f'namespace="{shop}"' not in page
