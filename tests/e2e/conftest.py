"""Servers that the end-to-end tests share, and a namespace of its own for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing.process import StartFailed, Strongroom
from tests.e2e.kubectl import Kubectl
from tests.e2e.marked import MARK, MARK64, secret
from tests.e2e.wire import Wire
from tests.parts import require_part
from tests.waiting import eventually

_numbers = itertools.count(1)

NO_PODS = ("can't make a private mount namespace", "containers can't be run here")
"""What the node says where the kernel refuses it the namespaces that pods run in."""


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server alone."""
    with Strongroom.start(tmp_path_factory.mktemp("api"), "apiserver") as room:
        yield room


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """All of strongroom, with a node that runs pods."""
    with start_up(tmp_path_factory.mktemp("room")) as started:
        yield started


def start_up(directory: Path, *arguments: str) -> Strongroom:
    """`strongroom up`; the test is skipped (under CI failed) where no node can run."""
    try:
        return Strongroom.start(directory, "up", *arguments)
    except StartFailed as error:
        refused = any(text in str(error) for text in NO_PODS)
        if refused and not os.environ.get("CI"):
            pytest.skip(f"pods cannot run here: {error}")
        raise


@pytest.fixture
def kubectl(api: Strongroom, tmp_path: Path) -> Kubectl:
    """kubectl on the API server, in a fresh namespace."""
    return in_namespace(api, tmp_path)


@pytest.fixture
def pods(room: Strongroom, tmp_path: Path) -> Iterator[Kubectl]:
    """kubectl where pods run, in a fresh namespace that is deleted afterwards."""
    bound = in_namespace(room, tmp_path, pods=True)
    yield bound
    bound("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
    bound("delete", "namespace", bound.namespace, "--wait=false")


@pytest.fixture
def wire(api: Strongroom) -> Wire:
    """Requests byte by byte to the API server."""
    return Wire(api.kubeconfig)


@pytest.fixture
def home(wire: Wire) -> str:
    """The path of Secrets in a fresh namespace, where Secret `s` holds the marker."""
    name = f"e2e-{next(_numbers)}"
    wire.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    path = f"/api/v1/namespaces/{name}/secrets"
    assert wire.send("POST", path, secret(metadata={"name": "s"})).status == 201
    return path


@pytest.fixture
def still_serving(wire: Wire, api: Strongroom) -> Iterator[None]:
    """After the test the server answers, and has logged neither a failure nor the marker."""
    yield
    assert wire.send("GET", "/readyz").body == b"ok"
    log = api.log.read_text()
    assert " ERROR " not in log
    assert MARK not in log
    assert MARK64 not in log


def in_namespace(room: Strongroom, directory: Path, *, pods: bool = False) -> Kubectl:
    """kubectl on a server, in a namespace made for it; with ``pods``, one where these can be made.

    The API server waits for a new namespace's account too, but for a second or two only, which a
    busy machine exceeds.
    """
    require_part("kubectl")
    bound = Kubectl(room.kubeconfig, f"e2e-{next(_numbers)}", directory)
    bound("create", "namespace", bound.namespace)
    if pods:
        path = f"/api/v1/namespaces/{bound.namespace}/serviceaccounts/default"
        wire = Wire(room.kubeconfig)
        eventually(lambda: wire.send("GET", path).status == 200)
    return bound
