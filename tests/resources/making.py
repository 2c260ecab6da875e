"""Making objects for tests: from trees as JSON has them, with a pod that lacks nothing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from strongroom.api.errors import FieldError
from strongroom.resources.pod import PODS, Pod

T = TypeVar("T")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_POD: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"containers": [{"name": "main", "image": "busybox:1.37"}]},
}


def made(tree: dict[str, Any], type_: type[T]) -> T:
    """The object that a JSON tree stands for."""
    return msgspec.convert(tree, type_)


def pod(container: dict[str, Any] | None = None, **spec: Any) -> Pod:
    """A valid pod with its defaults, changed by these parts of its container and spec."""
    tree = copy.deepcopy(_POD)
    tree["spec"]["containers"][0] |= container or {}
    tree["spec"] |= spec
    obj = made(tree, Pod)
    PODS.default(obj)
    return obj


def running_pod(container: dict[str, Any] | None = None, **spec: Any) -> Pod:
    """The same, created and bound to a node."""
    obj = pod(container, nodeName="node-1", **spec)
    PODS.prepare_for_create(obj, NOW)
    obj.status.phase = "Running"
    return obj


def texts(errors: Sequence[FieldError]) -> list[str]:
    """The findings as the Status message shows them."""
    return [str(error) for error in errors]
