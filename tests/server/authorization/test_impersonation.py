"""Acting as another: who may, as whom they are served, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.authorization.conftest import Cluster, can, to
from tests.server.conftest import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def who(cluster: Cluster, headers: Any) -> Answer:
    return await cluster.api.ask("POST", WHO, {}, headers=headers)


async def known_as(cluster: Cluster, headers: Any) -> dict[str, Any]:
    answer = await who(cluster, headers)
    assert answer.code == 201, answer.body
    return dict(answer.json["status"]["userInfo"])


async def test_who_they_are_then(cluster: Cluster) -> None:
    assert await known_as(cluster, {"Impersonate-User": "jane"}) == {
        "username": "jane",
        "groups": ["system:authenticated"],
    }
    full = {
        "Impersonate-User": "jane",
        "Impersonate-Group": "dev, and more",
        "Impersonate-Uid": "7",
        "Impersonate-Extra-Scopes": "view",
        "Impersonate-Extra-acme.com%2Fproject": "some",
    }
    assert await known_as(cluster, full) == {
        "username": "jane",
        "uid": "7",
        "groups": ["dev, and more", "system:authenticated"],
        "extra": {"scopes": ["view"], "acme.com/project": ["some"]},
    }


async def test_service_accounts_and_the_anonymous_have_their_groups(cluster: Cluster) -> None:
    account = "system:serviceaccount:shop:bot"
    assert (await known_as(cluster, {"Impersonate-User": account}))["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
        "system:authenticated",
    ]
    anonymous = {"Impersonate-User": "system:anonymous"}
    # The anonymous may not even ask who they are, as upstream.
    assert (await who(cluster, anonymous)).code == 403
    unknown = {"Impersonate-User": "jane", "Impersonate-Group": "system:unauthenticated"}
    assert (await who(cluster, unknown)).code == 403


async def test_groups_alone_are_nobody(cluster: Cluster) -> None:
    refused = await who(cluster, {"Impersonate-Group": "dev"})
    assert refused.code == 400
    assert refused.json["message"] == ("requested [{Group  dev    }] without impersonating a user")
    extra = await who(cluster, {"Impersonate-Extra-Scopes": "view"})
    assert extra.json["message"] == (
        "requested [{UserExtra  view  authentication.k8s.io/v1  scopes}] "
        "without impersonating a user"
    )


async def test_each_part_is_a_right_of_its_own(cluster: Cluster) -> None:
    """The administrator becomes a user who may be jane only, and asks to be more from there."""
    api = cluster.api
    tokens = "/api/v1/namespaces/default/serviceaccounts/actor/token"
    account = {"metadata": {"name": "actor"}}
    await api.ask("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    token = (await api.ask("POST", tokens, {"spec": {}})).json["status"]["token"]
    actor = {"Authorization": f"Bearer {token}"}
    name = "system:serviceaccount:default:actor"

    async def refused(**wanted: str) -> str:
        headers = actor | {f"Impersonate-{k.replace('_', '-')}": v for k, v in wanted.items()}
        answer = await api.ask("POST", WHO, {}, identity="", headers=headers)
        assert answer.code in (201, 403)
        return "" if answer.code == 201 else str(answer.json["message"])

    assert await refused(User="jane") == (
        f'users "jane" is forbidden: User "{name}" cannot impersonate resource "users" '
        'in API group "" at the cluster scope'
    )
    group = "authentication.k8s.io"
    rules = [
        can("impersonate", "users", resourceNames=["jane"]),
        can("impersonate", "groups", resourceNames=["dev"]),
        can("impersonate", "userextras/scopes", group, resourceNames=["view"]),
        can("impersonate", "uids", group, resourceNames=["7"]),
    ]
    await cluster.make("clusterroles", "", "acts", rules=rules)
    await cluster.make("clusterrolebindings", "", "acts", **to(name, "acts"))
    assert await refused(User="jane") == ""
    assert await refused(User="jane", Group="dev", Uid="7", Extra_Scopes="view") == ""
    assert 'groups "system:masters" is forbidden' in await refused(
        User="jane", Group="system:masters"
    )
    assert (
        'cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io"'
        in (await refused(User="jane", Extra_Scopes="edit"))
    )
    assert 'uids.authentication.k8s.io "8" is forbidden' in await refused(User="jane", Uid="8")
    assert 'serviceaccounts "bot" is forbidden' in await refused(
        User="system:serviceaccount:shop:bot"
    )
