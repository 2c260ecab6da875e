"""Which objects a list or watch is about: namespace, label selector, field selector."""

from __future__ import annotations

from typing import Any

from strongroom.api.errors import StatusError, bad_request
from strongroom.api.gotext import quote
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.api.validation import path_segment
from strongroom.registry.view import AnyView
from strongroom.resources.resource import Resource

_NAME = "metadata.name"
_NAMESPACE = "metadata.namespace"


class Selection:
    """A checked selection, cheap to apply: the name is compared before anything is decoded.

    ``namespace`` and ``name`` are set when only one namespace or name can match.
    """

    __slots__ = ("_equal", "_fields", "_labels", "empty", "name", "namespace")

    def __init__(
        self,
        resource: Resource[Any],
        namespace: str,
        labels: LabelSelector,
        fields: FieldSelector,
    ) -> None:
        _check_fields(resource, fields)
        # Most label selectors only ask for equality, which is worth a short way: a list of many
        # objects spends its time here.
        exact = [r for r in labels.requirements if r.operator in ("=", "==")]
        self._equal = tuple((r.key, r.values[0]) for r in exact)
        self._labels = tuple(r for r in labels.requirements if r not in exact)
        self._fields = fields
        self.empty = labels.empty and fields.empty
        self.name = fields.requires_exact(_NAME)
        self.namespace = namespace if resource.namespaced else ""
        if resource.namespaced and not namespace:
            only = fields.requires_exact(_NAMESPACE) or ""
            self.namespace = only if not path_segment(only) else ""

    def matches(self, view: AnyView) -> bool:
        """Whether an object of the namespace is selected."""
        if self.empty:
            return True
        if self.name is not None and view.name != self.name:
            return False
        for key, value in self._equal:
            if view.labels.get(key) != value:
                return False
        for requirement in self._labels:
            if not requirement.matches(view.labels):
                return False
        return self._fields.empty or self._fields.matches(view.fields)


def _check_fields(resource: Resource[Any], fields: FieldSelector) -> None:
    """Refuse what the kind cannot be selected by. Raises StatusError 400."""
    known = {_NAME, _NAMESPACE, *resource.field_selectors}
    if resource.field_selectors and not resource.namespaced:
        known.discard(_NAMESPACE)
    for requirement in fields.requirements:
        if requirement.field not in known:
            raise _unknown_field(resource, requirement.field)


def _unknown_field(resource: Resource[Any], field: str) -> StatusError:
    if resource.field_selectors:
        return bad_request(f"field label not supported: {field}")
    return bad_request(
        f'{quote(field)} is not a known field selector: only "{_NAME}", "{_NAMESPACE}"'
    )
