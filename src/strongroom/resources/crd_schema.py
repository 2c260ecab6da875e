"""The schema of a custom kind as its definition holds it (``v1/types_jsonschema.go``).

What may be a schema or something else (``items``, ``additionalProperties``, ``dependencies``) and
what may be any JSON (``default``, ``enum``, ``example``) stays a plain tree, as upstream's decoder
does not look for unknown fields there either.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from strongroom.api.schema import F, Struct, always

API_PACKAGE = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"

JSON = f"{API_PACKAGE}.JSON"
OR_BOOL = f"{API_PACKAGE}.JSONSchemaPropsOrBool"
OR_ARRAY = f"{API_PACKAGE}.JSONSchemaPropsOrArray"
OR_STRINGS = f"{API_PACKAGE}.JSONSchemaPropsOrStringArray"


def _x(name: str) -> Any:
    return msgspec.field(name=name, default="")


class ExternalDocumentation(Struct):
    """Where more is said of a schema."""

    description: Annotated[str, F(1, "What is found there.")] = ""
    url: Annotated[str, F(2, "Where it is found.")] = ""


class ValidationRule(Struct):
    """A rule in the Common Expression Language that a value must keep."""

    rule: Annotated[str, F(1, "The expression, true for a valid value.", required=True)] = always(
        str
    )
    message: Annotated[str, F(2, "What is told of an invalid value.")] = ""
    messageExpression: Annotated[str, F(3, "An expression that makes the message.")] = ""
    reason: Annotated[str | None, F(4, "The machine-readable reason of the failure.")] = None
    fieldPath: Annotated[str, F(5, "The field that the failure is about.")] = ""
    optionalOldSelf: Annotated[
        bool | None, F(6, "Whether a rule about changes also judges a new value.")
    ] = None


class JSONSchemaProps(Struct, gc=False):
    """A JSON schema, in the subset that structural schemas allow.

    The garbage collector does not look at it: a schema cannot contain itself, and a definition has
    so many that reading one took five times as long.
    """

    id: Annotated[str, F(1, "Not used.")] = ""
    schema_: Annotated[str, F(2, "Not used.")] = _x("$schema")
    ref: Annotated[str | None, F(3, "Not allowed.")] = msgspec.field(name="$ref", default=None)
    description: Annotated[str, F(4, "What the value is, for people.")] = ""
    type: Annotated[str, F(5, "object, array, string, integer, number or boolean.")] = ""
    format: Annotated[str, F(6, "A known form of texts or numbers, such as date-time.")] = ""
    title: Annotated[str, F(7, "A title, for people.")] = ""
    default: Annotated[Any, F(8, "The value of a missing field.", format=JSON)] = None
    maximum: Annotated[int | float | None, F(9, "Largest number.", format="double")] = None
    exclusiveMaximum: Annotated[bool, F(10, "Whether the largest itself is too large.")] = False
    minimum: Annotated[int | float | None, F(11, "Smallest number.", format="double")] = None
    exclusiveMinimum: Annotated[bool, F(12, "Whether the smallest itself is too small.")] = False
    maxLength: Annotated[int | None, F(13, "Most characters.", format="int64")] = None
    minLength: Annotated[int | None, F(14, "Fewest characters.", format="int64")] = None
    pattern: Annotated[str, F(15, "A regular expression that the text must match.")] = ""
    maxItems: Annotated[int | None, F(16, "Most items.", format="int64")] = None
    minItems: Annotated[int | None, F(17, "Fewest items.", format="int64")] = None
    uniqueItems: Annotated[bool, F(18, "Not allowed to be true.")] = False
    multipleOf: Annotated[
        int | float | None, F(19, "The number must be a multiple of this.", format="double")
    ] = None
    enum: Annotated[list[Any], F(20, "The allowed values.", format=JSON, list_type="atomic")] = []
    maxProperties: Annotated[int | None, F(21, "Most fields.", format="int64")] = None
    minProperties: Annotated[int | None, F(22, "Fewest fields.", format="int64")] = None
    required: Annotated[list[str], F(23, "The fields that must be there.", list_type="atomic")] = []
    items: Annotated[Any, F(24, "The schema of the items.", format=OR_ARRAY)] = None
    allOf: Annotated[
        list[JSONSchemaProps], F(25, "All of these must hold.", list_type="atomic")
    ] = []
    oneOf: Annotated[
        list[JSONSchemaProps], F(26, "Exactly one of these must hold.", list_type="atomic")
    ] = []
    anyOf: Annotated[
        list[JSONSchemaProps], F(27, "At least one of these must hold.", list_type="atomic")
    ] = []
    not_: Annotated[JSONSchemaProps | None, F(28, "This must not hold.")] = msgspec.field(
        name="not", default=None
    )
    properties: Annotated[dict[str, JSONSchemaProps], F(29, "The schemas of the fields.")] = {}
    additionalProperties: Annotated[
        Any, F(30, "The schema of all other fields, or whether there may be any.", format=OR_BOOL)
    ] = None
    patternProperties: Annotated[dict[str, JSONSchemaProps], F(31, "Not allowed.")] = {}
    dependencies: Annotated[dict[str, Any], F(32, "Not allowed.", format=OR_STRINGS)] = {}
    additionalItems: Annotated[Any, F(33, "Not allowed.", format=OR_BOOL)] = None
    definitions: Annotated[dict[str, JSONSchemaProps], F(34, "Not allowed.")] = {}
    externalDocs: Annotated[ExternalDocumentation | None, F(35, "Where to read more.")] = None
    example: Annotated[Any, F(36, "A value, for people.", format=JSON)] = None
    nullable: Annotated[bool, F(37, "Whether null is a value.")] = False
    xPreserveUnknownFields: Annotated[
        bool | None, F(38, "Whether fields that the schema does not name are kept.")
    ] = msgspec.field(name="x-kubernetes-preserve-unknown-fields", default=None)
    xEmbeddedResource: Annotated[bool, F(39, "Whether the value is an object of the API.")] = (
        msgspec.field(name="x-kubernetes-embedded-resource", default=False)
    )
    xIntOrString: Annotated[bool, F(40, "Whether both an integer and a text will do.")] = (
        msgspec.field(name="x-kubernetes-int-or-string", default=False)
    )
    xListMapKeys: Annotated[
        list[str], F(41, "The fields that tell the items of a map apart.", list_type="atomic")
    ] = msgspec.field(name="x-kubernetes-list-map-keys", default_factory=list)
    xListType: Annotated[str | None, F(42, "atomic, set or map.")] = msgspec.field(
        name="x-kubernetes-list-type", default=None
    )
    xMapType: Annotated[str | None, F(43, "atomic or granular.")] = msgspec.field(
        name="x-kubernetes-map-type", default=None
    )
    xValidations: Annotated[
        list[ValidationRule],
        F(
            44,
            "Rules that the value must keep.",
            list_type="map",
            list_keys=("rule",),
            patch="merge",
            merge_key="rule",
        ),
    ] = msgspec.field(name="x-kubernetes-validations", default_factory=list)
