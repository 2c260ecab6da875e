"""From the tree of a CRD's schema to a schema that can be used, or to all that is wrong with it."""

from __future__ import annotations

from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, forbidden_field, invalid_value
from strongroom.api.structural.defaults import validate_defaults
from strongroom.api.structural.model import Structural, has_rules, read_schema
from strongroom.api.structural.structure import validate_structure
from strongroom.api.structural.words import validate_words

# The words that upstream allows at the root of a kind with a status, by its names for them.
_AT_ROOT = {
    "description": "Description",
    "type": "Type",
    "format": "Format",
    "title": "Title",
    "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum",
    "minimum": "Minimum",
    "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength",
    "minLength": "MinLength",
    "pattern": "Pattern",
    "maxItems": "MaxItems",
    "minItems": "MinItems",
    "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf",
    "required": "Required",
    "items": "Items",
    "properties": "Properties",
    "externalDocs": "ExternalDocs",
    "example": "Example",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}


def parse(
    tree: Any, path: Path, *, status: bool = False
) -> tuple[Structural | None, list[FieldError]]:
    """The schema of a whole object, and everything that makes its CRD invalid.

    ``path`` is that of ``openAPIV3Schema``; ``status`` says that the version has the subresource.
    The schema is None when there are findings.
    """
    schema, found = read_schema(tree, path)
    if schema is None:
        return None, found
    found = _at_root(schema, path) if status else []
    if schema.nullable:
        found.append(forbidden_field(path / "nullable", "nullable cannot be true at the root"))
    structural = validate_structure(schema, path)
    if not structural:
        structural = validate_defaults(schema, path)
    words = validate_words(schema, path)
    found += structural + words
    if not structural and not words and has_rules(schema):
        # With the rules comes the CEL library, which takes a tenth of a server's start.
        from strongroom.api.structural.rulecompiling import compile_rules

        found += compile_rules(schema, path)
    return (None if found else schema), found


def _at_root(schema: Structural, path: Path) -> list[FieldError]:
    """With a status, only words that would still hold of the status alone may be at the root."""
    if schema.type not in ("", "object"):
        detail = (
            'only "object" is allowed as the type at the root of the schema if the status '
            "subresource is enabled"
        )
        return [invalid_value(path / "type", schema.type, detail)]
    if all(name in _AT_ROOT for name, value in schema.tree.items() if value):
        return []
    names = " ".join(_AT_ROOT.values())
    detail = (
        f"only [{names}] fields are allowed at the root of the schema if the status subresource "
        "is enabled"
    )
    return [invalid_value(path, schema.tree, detail)]
