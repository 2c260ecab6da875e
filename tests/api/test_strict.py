"""Strict decoding: findings on unknown and duplicate fields, with their paths."""

from __future__ import annotations

import json

import pytest

from strongroom.api import codec, strict
from tests.api.samples import Thing


def find(body: str) -> list[str]:
    return codec.decode(body.encode(), Thing, kind="Thing", find=True).findings


@pytest.mark.parametrize(
    ("body", "findings"),
    [
        ('{"kind":"Thing","metadata":{"name":"a"},"spec":{"words":["a"]}}', []),
        ('{"foo":1}', ['unknown field "foo"']),
        ('{"spec":{"foo":{"bar":1}}}', ['unknown field "spec.foo"']),
        (
            '{"spec":{"parts":[{"name":"a"},{"name":"b","foo":1}]}}',
            ['unknown field "spec.parts[1].foo"'],
        ),
        (
            '{"spec":{"parts":[{"env":[{"foo":1}]}]}}',
            ['unknown field "spec.parts[0].env[0].foo"'],
        ),
        ('{"spec":{"index":{"x":{"name":"a"}}}}', []),
        ('{"spec":{"index":{"x":{"foo":1}}}}', ['unknown field "spec.index.x.foo"']),
        ('{"metadata":{"name":"a","name":"b"}}', ['duplicate field "metadata.name"']),
        ('{"data":{"a":"","a":""}}', ['duplicate field "data.a"']),
        ('{"spec":{"free":{"x":{"y":1,"y":2}}}}', ['duplicate field "spec.free.x.y"']),
        ('{"spec":{"free":[{"y":1,"y":2}]}}', ['duplicate field "spec.free[0].y"']),
        ('{"spec":{"free":{"any":"thing"}}}', []),
        (
            '{"foo":1,"kind":"x","foo":2,"kind":"y"}',
            ['unknown field "foo"', 'duplicate field "foo"', 'duplicate field "kind"'],
        ),
        ('{"metadata":{"annotations":{"a":"{\\"b\\":1}"}}}', []),
        ('{"a\\"b":1}', ['unknown field "a\\"b"']),
        ('{"spec":{"words":["x","y"],"lines":["\\":"]}}', []),
    ],
)
def test_findings(body: str, findings: list[str]) -> None:
    assert find(body) == findings


def test_findings_are_in_the_order_of_the_body_and_told_once() -> None:
    assert find('{"spec":{"foo":1,"size":1,"size":2},"foo":1,"spec":{"foo":2}}') == [
        'unknown field "spec.foo"',
        'duplicate field "spec.size"',
        'unknown field "foo"',
        'duplicate field "spec"',
    ]


def test_no_more_than_a_hundred_findings() -> None:
    assert len(find(json.dumps({f"f{i}": 1 for i in range(1000)}))) == 100


def test_duplicates_in_any_json() -> None:
    body = b'[{"op":"x","op":"y"},{"value":{"a":1,"a":2}}]'
    assert strict.find_duplicates(body, json.loads(body)) == [
        'duplicate field "[0].op"',
        'duplicate field "[1].value.a"',
    ]
    assert strict.find_duplicates(b'{"a":1}', {"a": 1}) == []
    assert strict.find_duplicates(b"3", 3) == []


def test_findings_as_one_text() -> None:
    findings = ['unknown field "spec.foo"', 'duplicate field "metadata.name"']
    assert strict.strict_error(findings) == (
        'strict decoding error: unknown field "spec.foo", duplicate field "metadata.name"'
    )
