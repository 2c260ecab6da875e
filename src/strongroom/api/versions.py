"""The order of API versions (``k8s.io/apimachinery/pkg/version``)."""

from __future__ import annotations

import re

_KUBE_LIKE = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?", re.ASCII)
_STABILITY = {None: 2, "beta": 1, "alpha": 0}


def priority(version: str) -> tuple[int, int, int, int, str]:
    """A sort key that puts the version first that clients should prefer.

    v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, v11alpha2, foo1, foo10.
    """
    match = _KUBE_LIKE.fullmatch(version)
    if match is None:
        return (1, 0, 0, 0, version)
    return (0, -_STABILITY[match[2]], -int(match[1]), -int(match[3] or 0), "")
