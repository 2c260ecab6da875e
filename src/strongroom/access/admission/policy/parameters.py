"""The parameters of a binding (``admission/plugin/policy/generic``)."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.access.admission.matching import selector_matches
from strongroom.access.admission.policy.port import ParamKinds, Tree
from strongroom.resources.admission_policy import DENY, ParamRef


class ConfigurationError(Exception):
    """A policy or binding that does not fit the cluster; the text is upstream's."""


async def collect(
    kind: ParamKinds | None, ref: ParamRef | None, namespace: str
) -> Sequence[Tree | None]:
    """What to judge by: None once when there are no parameters to take, nothing when none is there.

    ``kind`` is None for a policy without parameters. Raises ConfigurationError.
    """
    if kind is None or ref is None:
        return [None]
    if ref.namespace and not kind.namespaced:
        raise ConfigurationError(
            "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
        )
    where = (ref.namespace or namespace) if kind.namespaced else ""
    if kind.namespaced and not where:
        raise ConfigurationError(
            "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        )
    found = await _find(kind, ref, where)
    if not found and ref.parameterNotFoundAction == DENY:
        raise ConfigurationError(
            "no params found for policy binding with `Deny` parameterNotFoundAction"
        )
    return found


async def _find(kind: ParamKinds, ref: ParamRef, namespace: str) -> Sequence[Tree]:
    if ref.name:
        found = await kind.get(namespace, ref.name)
        return [] if found is None else [found]
    if ref.selector is None:
        raise ConfigurationError("one of name or selector must be provided")
    try:
        return [
            tree
            for tree in await kind.list(namespace)
            if selector_matches(ref.selector, tree.get("metadata", {}).get("labels") or {})
        ]
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
