"""ClusterRoles that are made of others follow them, and the system's are there soon."""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.controllers.clusterroles import ClusterRoleAggregation, gathered
from strongroom.resources.clusterrole import CLUSTER_ROLES, ClusterRole
from tests.controllers.conftest import World, at_work
from tests.waiting import until


def _role(name: str, *verbs: str, select: dict[str, str] | None = None, **labels: str) -> Any:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]} for verb in verbs]
    tree: dict[str, Any] = {"metadata": {"name": name, "labels": labels}, "rules": rules}
    if select is not None:
        tree["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": select}]}
    return codec.from_tree(tree, ClusterRole)


def _verbs(role: ClusterRole) -> list[str]:
    return [verb for rule in role.rules for verb in rule.verbs]


def test_rules_come_once_in_the_order_of_names_and_never_from_itself() -> None:
    whole = _role("whole", "own", select={"part": "yes"}, part="yes")
    parts = [_role("b", "get", "list", part="yes"), _role("a", "list", part="yes")]
    others = [_role("c", "delete", part="no"), whole]
    made = ClusterRole(rules=gathered(whole, parts + others))
    assert _verbs(made) == ["list", "get"]
    assert gathered(_role("plain", "get"), parts) == _role("plain", "get").rules


async def test_an_aggregated_role_follows_its_parts(world: World) -> None:
    async def held(name: str) -> ClusterRole:
        return await world.client.get(CLUSTER_ROLES, name)

    async with at_work(ClusterRoleAggregation(world.client)):
        await world.client.create(CLUSTER_ROLES, _role("whole", select={"part": "yes"}))
        await world.client.create(CLUSTER_ROLES, _role("one", "get", part="yes"))
        await until(lambda: held("whole"), lambda role: _verbs(role) == ["get"])
        await world.client.create(CLUSTER_ROLES, _role("two", "list", part="yes"))
        await until(lambda: held("whole"), lambda role: _verbs(role) == ["get", "list"])
        await world.client.delete(CLUSTER_ROLES, "one")
        await until(lambda: held("whole"), lambda role: _verbs(role) == ["list"])

        # An admin may what an editor may, who may what a viewer may.
        view, edit = await held("system:aggregate-to-view"), await held("system:aggregate-to-edit")
        admin = await until(lambda: held("admin"), lambda role: view.rules[0] in role.rules)
        assert all(rule in admin.rules for rule in view.rules + edit.rules)
        viewer = await held("view")
        assert not any("secrets" in rule.resources for rule in viewer.rules)
