"""Trees of workloads for tests: valid, with a template whose pods their selector selects."""

from __future__ import annotations

import copy
from typing import Any

_CONTAINER = {"name": "main", "image": "busybox:1.37"}
_TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [_CONTAINER]},
}


def template(**spec: Any) -> dict[str, Any]:
    """A template of pods with these parts of their spec."""
    tree = copy.deepcopy(_TEMPLATE)
    tree["spec"] |= spec
    return tree


def workload(**spec: Any) -> dict[str, Any]:
    """An object with selector and template, and these parts of its spec."""
    base = {"selector": {"matchLabels": {"app": "web"}}, "template": template()}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": base | spec}
