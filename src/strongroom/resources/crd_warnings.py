"""What the creator of a definition is warned of."""

from __future__ import annotations

from strongroom.api.codec import to_tree
from strongroom.api.gotext import quote
from strongroom.api.structural.formats import effective
from strongroom.resources.crd_object import CustomResourceDefinition
from strongroom.resources.crd_walk import schemas


def schema_warnings(crd: CustomResourceDefinition) -> list[str]:
    """Formats that are not checked, and sets of items that cannot be told apart."""
    formats: dict[str, None] = {}
    sets: set[str] = set()
    for version in crd.spec.versions:
        if version.schema is None or version.schema.openAPIV3Schema is None:
            continue
        for schema in schemas(to_tree(version.schema.openAPIV3Schema)):
            format_ = schema.get("format", "")
            if format_ and not effective(schema.get("type", ""), format_):
                formats[f"unrecognized format {quote(format_)}"] = None
            items = schema.get("items")
            if schema.get("x-kubernetes-list-type") == "set" and isinstance(items, dict):
                type_ = items.get("type")
                if type_ in ("object", "array"):
                    sets.add(
                        f'x-kubernetes-list-type: set for items of type "{type_}" is not supported '
                        "by server-side apply or CEL validation rules"
                    )
    return [*formats, *sorted(sets)]
