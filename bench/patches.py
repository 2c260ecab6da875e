"""Server-side apply and strategic merge patches: on objects of their own, and all on one."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable

from bench.cases import NAMESPACE, SECRETS, Measurements, make_namespace, secret
from bench.load import Endpoint, for_seconds, run_load
from bench.settings import Settings
from bench.target import Target

APPLY = "application/apply-patch+yaml"
STRATEGIC = "application/strategic-merge-patch+json"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_OWN = 8

Body = Callable[[str, int], bytes]


def _value(number: int) -> str:
    return base64.b64encode(b"%0512d" % number).decode()


def _configuration(name: str, number: int) -> bytes:
    tree = json.loads(secret(name))
    tree["data"] = {"value": _value(number), "other": "eA=="}
    return json.dumps(tree).encode()


def _data(_: str, number: int) -> bytes:
    return json.dumps({"data": {"value": _value(number)}}).encode()


def deployment(name: str, number: int) -> bytes:
    """A Deployment of two containers; the number is in a variable of the first."""
    variables = [{"name": f"V{i}", "value": str(i)} for i in range(5)]
    variables.append({"name": "NUMBER", "value": str(number)})
    containers = [
        {"name": "main", "image": "example/main:1", "env": variables, "ports": [_port(8080)]},
        {"name": "side", "image": "example/side:1", "ports": [_port(9090)]},
    ]
    labels = {"app": name}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    tree = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    return json.dumps(tree).encode()


def _port(number: int) -> dict[str, object]:
    return {"containerPort": number, "protocol": "TCP"}


def _variable(_: str, number: int) -> bytes:
    main = {"name": "main", "env": [{"name": "NUMBER", "value": str(number)}]}
    return json.dumps({"spec": {"template": {"spec": {"containers": [main]}}}}).encode()


async def applies(target: Target, settings: Settings) -> Measurements:
    """Server-side apply of one manager, a changed value each time."""
    query = "?fieldManager=bench&force=true"
    return await _both(target, settings, "apply", APPLY, query, (_configuration, deployment))


async def strategic(target: Target, settings: Settings) -> Measurements:
    """Strategic merge patch of one value."""
    return await _both(target, settings, "strategic patch", STRATEGIC, "", (_data, _variable))


async def _both(
    target: Target,
    settings: Settings,
    verb: str,
    media_type: str,
    query: str,
    bodies: tuple[Body, Body],
) -> Measurements:
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    await _make(endpoint)
    result: Measurements = {}
    plan = [(SECRETS, "Secret", 1, 1), (SECRETS, "Secret", 8, _OWN), (SECRETS, "Secret", 8, 1)]
    plan.append((DEPLOYMENTS, "Deployment", 1, 1))
    for path, kind, writers, objects in plan:
        make = bodies[kind == "Deployment"]
        numbers = itertools.count(1)

        def request(
            path: str = path,
            kind: str = kind,
            objects: int = objects,
            make: Body = make,
            numbers: itertools.count[int] = numbers,
        ) -> bytes:
            number = next(numbers)
            name = f"{kind.lower()}-{number % objects}"
            return endpoint.send("PATCH", f"{path}/{name}{query}", make(name, number), media_type)

        outcome = await run_load(endpoint, writers, for_seconds(settings.seconds, request))
        where = "one object" if objects == 1 else f"{objects} objects"
        name = f"{verb} {kind}, {writers} writers, {where}"
        if outcome.failures:
            raise SystemExit(f"bench: {outcome.failures} times failed: {name}")
        result[f"{name}/s"] = outcome.rate
        result[f"{name} server CPU us"] = outcome.server_us
    return result


async def _make(endpoint: Endpoint) -> None:
    """The objects that are patched; a Deployment may be left from a run before."""
    for i in range(_OWN):
        once = iter([endpoint.send("POST", SECRETS, secret(f"secret-{i}"))])
        await run_load(endpoint, 1, lambda once=once: next(once, None))  # type: ignore[misc]  # the default binds the loop's value
    first = iter([endpoint.send("POST", DEPLOYMENTS, deployment("deployment-0", 0))])
    await run_load(endpoint, 1, lambda: next(first, None))
