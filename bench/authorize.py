"""What a question about access costs as the number of bindings grows."""

from __future__ import annotations

import itertools
import json

from bench.cases import Measurements
from bench.deciding import decisions
from bench.load import Endpoint, for_seconds, run_load
from bench.settings import Settings
from bench.target import Target

CONNECTIONS = 16
ASKED = 1_000
"""Different users who are asked about in turn; each has a binding of their own."""

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_ROLE = {
    "metadata": {"name": "bench"},
    "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}],
}


async def authorizations(target: Target, settings: Settings) -> Measurements:
    """Reviews of access per second among so many bindings, each of another user."""
    endpoint = Endpoint.of(target)
    await _all(endpoint, [_post(endpoint, f"{_RBAC}/clusterroles", _ROLE)])
    result: Measurements = {}
    have = 0
    for count in settings.bindings:
        path = f"{_RBAC}/clusterrolebindings"
        await _all(endpoint, [_post(endpoint, path, _binding(i)) for i in range(have, count)])
        have = count
        asked = min(ASKED, count)
        questions = itertools.cycle([_post(endpoint, _REVIEWS, _question(i)) for i in range(asked)])
        outcome = await run_load(
            endpoint, CONNECTIONS, for_seconds(settings.seconds, questions.__next__)
        )
        assert not outcome.failures
        result[f"access reviews/s with {count:,} bindings"] = outcome.rate
        result[f"access review server CPU us with {count:,} bindings"] = outcome.server_us
    return result | await decisions(settings.bindings)


async def _all(endpoint: Endpoint, requests: list[bytes]) -> None:
    left = iter(requests)
    outcome = await run_load(endpoint, CONNECTIONS, lambda: next(left, None))
    assert not outcome.failures


def _post(endpoint: Endpoint, path: str, tree: object) -> bytes:
    return endpoint.send("POST", path, json.dumps(tree).encode())


def _binding(number: int) -> object:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": f"bench-{number:06}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "bench"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": f"user-{number}"}],
    }


def _question(number: int) -> object:
    what = {"verb": "get", "resource": "secrets", "namespace": "default", "name": "s"}
    return {"spec": {"user": f"user-{number}", "resourceAttributes": what}}
