"""The room that the canary is sent through, and the search after each test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import (
    TALKATIVE,
    files_that_hold_it,
    holds,
)
from tests.e2e.conftest import in_namespace, start_up
from tests.e2e.kubectl import Kubectl
from tests.e2e.processes import processes_of
from tests.e2e.wire import Wire


@pytest.fixture(scope="package")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.fixture(scope="package")
def aviary(directory: Path) -> Iterator[Strongroom]:
    """A room that logs and audits all it can, with its own directory for temporary files."""
    policy = directory / "policy.json"
    policy.write_text(json.dumps(TALKATIVE))
    with pytest.MonkeyPatch.context() as patch:
        (directory / "tmp").mkdir()
        patch.setenv("TMPDIR", str(directory / "tmp"))
        talk = ("--log-level", "debug", "--audit-policy-file", str(policy))
        with start_up(directory, *talk) as room:
            yield room


@pytest.fixture(scope="package")
def kubectl(aviary: Strongroom, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return in_namespace(aviary, tmp_path_factory.mktemp("home"), pods=True)


@pytest.fixture(scope="package")
def wire(aviary: Strongroom) -> Wire:
    return Wire(aviary.kubeconfig)


@pytest.fixture(scope="package")
def home(kubectl: Kubectl) -> str:
    return f"/api/v1/namespaces/{kubectl.namespace}/secrets"


@pytest.fixture(autouse=True)
def written_nowhere(aviary: Strongroom, directory: Path, wire: Wire) -> Iterator[None]:
    """After each test: the canary is in no file, no command line, and nothing that is listed."""
    yield
    assert files_that_hold_it(directory) == []
    assert not [p.pid for p in processes_of(directory) if holds(p.command)]
    for path in (
        "/metrics",
        "/readyz?verbose",
        "/api/v1/events",
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/configmaps",
        "/api/v1/serviceaccounts",
        "/api/v1/namespaces",
        "/apis/coordination.k8s.io/v1/leases",
        "/apis/events.k8s.io/v1/events",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/openapi/v2",
    ):  # fmt: skip - a list of paths
        assert not holds(wire.send("GET", path).whole()), path
