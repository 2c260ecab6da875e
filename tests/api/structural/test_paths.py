"""Paths of rules and selectable fields."""

from __future__ import annotations

import pytest

from strongroom.api.structural import PathError, resolve
from tests.api.structural.schemas import INTEGER, STRING, array, obj, parsed

SCHEMA = parsed(
    obj(
        spec=obj(
            a=STRING,
            m={"type": "object", "additionalProperties": INTEGER},
            l=array(STRING),
            **{"x.y": STRING, "it's": STRING},
        )
    )
)


@pytest.mark.parametrize(
    ("text", "path", "type_"),
    [
        (".spec", "spec", "object"),
        (".spec.a", "spec.a", "string"),
        (".spec['x.y']", "spec.x.y", "string"),
        (".spec['it\\'s']", "spec.it's", "string"),
        (".spec.m.k", "spec.m[k]", "integer"),
        (".spec.m['k']", "spec.m[k]", "integer"),
    ],
)
def test_paths_lead_to_fields(text: str, path: str, type_: str) -> None:
    found, schema = resolve(text, SCHEMA)
    assert (str(found), schema.type) == (path, type_)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spec", "expected [ or . but got: spec"),
        (".nope", "does not refer to a valid field"),
        (".spec.a.b", "does not refer to a valid field"),
        (".spec.l[0]", "expected single quoted string but got 0"),
        (".spec[", "unexpected end of JSON path"),
        (".spec.", "unexpected end of JSON path"),
        (".spec['a'", "unexpected end of JSON path"),
        (".spec['\\x']", "invalid string literal: invalid escape char \\x"),
        (".spec['a'.", "expected ] but got ."),
    ],
)
def test_other_texts_are_refused_in_upstreams_words(text: str, why: str) -> None:
    with pytest.raises(PathError) as caught:
        resolve(text, SCHEMA)
    assert str(caught.value) == why


def test_array_notation_can_be_refused() -> None:
    with pytest.raises(PathError, match="array notation is not allowed"):
        resolve(".spec['a']", SCHEMA, arrays=False)
