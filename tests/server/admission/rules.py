"""What tests of policies write: policies, bindings, and the objects that these judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.server.conftest import Answer

if TYPE_CHECKING:
    from tests.server.admission.conftest import World

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
POLICIES = f"{REGISTRATION}/validatingadmissionpolicies"
BINDINGS = f"{REGISTRATION}/validatingadmissionpolicybindings"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


class Rules:
    """Makes policies and bindings, and removes them after the test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: list[str] = []

    async def make(self, path: str, body: dict[str, Any]) -> Answer:
        made = await self.world.ask("POST", path, body)
        if made.code == 201:
            self._made.append(f"{path}/{body['metadata']['name']}")
        return made

    async def policy(self, *validations: Any, name: str = "p", **spec: Any) -> Answer:
        """A policy about config maps unless said otherwise; a text is an expression."""
        rules = [{"expression": v} if isinstance(v, str) else v for v in validations]
        body = {
            "matchConstraints": {"resourceRules": [rule()]},
            "validations": rules,
        } | spec
        return await self.make(POLICIES, {"metadata": {"name": name}, "spec": body})

    async def bind(self, name: str = "b", policy: str = "p", **spec: Any) -> Answer:
        body = {"policyName": policy, "validationActions": ["Deny"]} | spec
        return await self.make(BINDINGS, {"metadata": {"name": name}, "spec": body})

    async def tidy(self) -> None:
        for path in self._made:
            await self.world.ask("DELETE", path)


def rule(resources: str = "configmaps", group: str = "", **more: Any) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resources],
    } | more


def config_map(name: str = "", labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name} if name else {"generateName": "cm-"}
    return {"metadata": meta | {"labels": labels or {}}, "data": data}


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"containers": [{"name": "c", "image": "nginx:1"}]}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def notes_of(world: World, answer: Answer) -> dict[str, str]:
    """The annotations of an answer's audit event."""
    events = world.api.audit_events()
    (event,) = [e for e in events if e["auditID"] == answer.headers["audit-id"]]
    notes: dict[str, str] = event["annotations"]
    return notes


async def refused(world: World, body: dict[str, Any], path: str = CONFIG_MAPS) -> str:
    answer = await world.ask("POST", path, body)
    assert answer.code == 422, answer.json
    message: str = answer.json["details"]["causes"][0]["message"]
    return message
