"""Definitions of custom kinds for tests, and a client that waits for what they define."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from tests.server.conftest import Answer, Running

GROUP = "stable.example.com"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = f"crontabs.{GROUP}"
V1 = f"/apis/{GROUP}/v1/namespaces/default/crontabs"
V2 = f"/apis/{GROUP}/v2/namespaces/default/crontabs"
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}

Tree = dict[str, Any]

SCHEMA: Tree = {
    "type": "object",
    "description": "A job at certain times.",
    "properties": {
        "spec": {
            "type": "object",
            "description": "What is wanted.",
            "properties": {
                "cronSpec": {"type": "string", "pattern": "^[*0-9/ ]+$"},
                "image": {"type": "string", "default": "busybox"},
                "replicas": {"type": "integer", "minimum": 0, "maximum": 10},
                "color": {"type": "string"},
                "ports": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["port"],
                        "properties": {"port": {"type": "integer"}, "name": {"type": "string"}},
                    },
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port"],
                },
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "selector": {"type": "string"},
                "since": {"type": "string"},
            },
        },
    },
}


def version(name: str = "v1", *, schema: Tree | None = None, **fields: Any) -> Tree:
    """A version that is served; the only one stored is v1."""
    served = {"name": name, "served": True, "storage": name == "v1"}
    return served | {"schema": {"openAPIV3Schema": copy.deepcopy(schema or SCHEMA)}} | fields


def definition(
    *versions: Tree, plural: str = "crontabs", kind: str = "CronTab", **spec: Any
) -> Tree:
    """A definition of a namespaced kind."""
    group = spec.pop("group", GROUP)
    names = {"plural": plural, "kind": kind} | spec.pop("names", {})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": list(versions) or [version()],
        }
        | spec,
    }


def full() -> Tree:
    """A definition with everything: subresources, columns, selectable fields."""
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    return definition(
        version(
            subresources={"status": {}, "scale": scale},
            selectableFields=[{"jsonPath": ".spec.color"}],
            additionalPrinterColumns=[
                {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
                {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
                {"name": "Since", "type": "date", "jsonPath": ".status.since", "priority": 1},
            ],
        ),
        names={"shortNames": ["ct"], "categories": ["all"]},
    )


def crontab(name: str, api: str = f"{GROUP}/v1", **spec: Any) -> Tree:
    """An object of the kind."""
    spec = {"cronSpec": "* * * * */5"} | spec
    return {"apiVersion": api, "kind": "CronTab", "metadata": {"name": name}, "spec": spec}


def condition(crd: Tree, type_: str) -> Tree:
    """A condition of a definition; one without fields when it is not there."""
    conditions = crd.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})


async def define(api: Running, crd: Tree) -> Tree:
    """Create a definition and wait until it is established."""
    made = await api.ask("POST", DEFINITIONS, crd)
    assert made.code == 201, made.body
    return await until(api, crd["metadata"]["name"], "Established")


async def until(api: Running, name: str, type_: str, status: str = "True") -> Tree:
    """Wait for a condition, as `kubectl wait` does."""
    async for crd in states(api, name):
        if condition(crd, type_).get("status") == status:
            return crd
    raise AssertionError(f"{name} never became {type_}")


async def states(api: Running, name: str) -> AsyncIterator[Tree]:
    """The definition again and again, for some seconds; ends when it is gone."""
    for _ in range(400):
        answer = await api.ask("GET", f"{DEFINITIONS}/{name}")
        if answer.code == 404:
            return
        yield answer.json
        await asyncio.sleep(0.02)
    raise AssertionError(f"{name} does not become what was waited for")


async def change(api: Running, name: str, spec: Tree) -> Answer:
    """Merge into the spec of a definition."""
    return await api.ask("PATCH", f"{DEFINITIONS}/{name}", {"spec": spec}, headers=MERGE)


async def remove_all(api: Running) -> None:
    """Delete every definition, with all its objects, and wait until they are gone."""
    for item in (await api.ask("GET", DEFINITIONS)).json["items"]:
        await api.ask("DELETE", f"{DEFINITIONS}/{item['metadata']['name']}")
    for _ in range(400):
        if not (await api.ask("GET", DEFINITIONS)).json["items"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("definitions do not go")


async def remove(api: Running, name: str) -> None:
    """Delete a definition and wait until it is gone."""
    assert (await api.ask("DELETE", f"{DEFINITIONS}/{name}")).code == 200
    async for _ in states(api, name):
        pass


async def lines(api: Running, path: str) -> AsyncGenerator[dict[str, Any]]:
    """The events of a watch, until it ends."""
    async with api.session().get(f"{api.server.url}{path}") as response:
        assert response.status == 200
        async for line in response.content:
            yield json.loads(line)
