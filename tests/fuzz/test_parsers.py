"""The small languages of a request: any text is read or refused, and takes no time for it.

Selectors, queries, paths, Accept headers, continue tokens, JSONPath, regular expressions, CEL,
YAML, and structural schemas with whatever objects. Deep, long and self-similar texts are among
them; the time limit of each test is what bounds the slowest.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from strongroom.api import codec, yaml_text
from strongroom.api.cel import CelError, compile_expression
from strongroom.api.custom import custom_type
from strongroom.api.findings import Path
from strongroom.api.jsonpath import JSONPath, JSONPathError
from strongroom.api.jsontext import copy_tree
from strongroom.api.label_selectors import LabelSelector
from strongroom.api.regexps import PatternError, compile_pattern
from strongroom.api.selectors import FieldSelector
from strongroom.api.structural import find_unknown, parse, prune, publish, set_defaults, validate
from strongroom.registry.continuation import decode as decode_token
from strongroom.server.negotiation import accepted_form, body_media_type, parse_accept
from strongroom.server.urls import parse_target
from tests.fuzz.mutations import as_json, attempted, damaged_bytes, damaged_tree, junk
from tests.fuzz.server import definition
from tests.fuzz.sizes import seeds

pytestmark = pytest.mark.timeout(600)

SHAPES = frozenset({"Table", "PartialObjectMetadata"})
CORPUS: dict[str, tuple[str, ...]] = {
    "labels": (
        "a=b,c in (d,e),!f,g notin (h),i>1,j",
        "example.com/a==b",
        "((((",
        "a in (" + "b," * 99,
    ),
    "fields": ("metadata.name=a,spec.x!=b\\,c", "a==b,," * 50, "\\" * 99),
    "accept": (
        "application/json;as=Table;g=meta.k8s.io;v=v1,application/json;q=0.9,*/*;q=0.1",
        "application/vnd.kubernetes.protobuf;stream=watch," * 20,
        'a/b;c="d;e,f\\"";q=1e9,,;=;' * 9,
    ),
    "query": (
        "limit=5&continue=a%20b&watch=1&watch=0&labelSelector=%3d",
        "a=b;c=d&&=%ff",
        "%" * 300,
    ),
    "path": (
        "/api/v1/namespaces/a/secrets/b/status",
        "/apis/apps/v1/watch/deployments",
        "/%2e%2e/%2F//\\/" * 9,
    ),
    "token": (
        base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":5,"start":"a\\u0000"}').decode(),
        "e30",
        "=" * 50,
    ),
    "jsonpath": (
        ".spec.containers[?(@.name=='a')].env[*]['x','y'][-1:2]",
        "{.a..b[?(@.c>1.5)]}",
        ".a" * 200,
        "..*" * 50,
        "[" * 300,
    ),
    "regexp": ("^(a+)+$|[a-z]{1,5}\\d(?P<n>x)", "((((a*)*)*)*)*", "(a{1,999}){1,999}", "[" * 300),
    "cel": (
        "self.a.all(x, x.size() > 0 && has(self.b)) ? 'a' + \"b\" : r'\\d'.matches('1')",
        "[1, 2].map(x, {x: x}).exists(y, y[1] in [1u, 2.5, null])",
        "((" * 60 + "1",
        "a." * 300 + "b",
        "-" * 300 + "1",
    ),
    "yaml": (
        "a: &x [1, 2]\nb: *x\nc: {<<: {d: e}}\n? f\n: |\n  g\n",
        "&a [*a, *a, *a]",
        "- " * 400,
        "{" * 400,
        "'" * 99 + '"' * 99,
    ),
}
VALUES: tuple[Any, ...] = (
    {"a": [{"name": "a", "c": 2, "env": {"x": [1]}}], "spec": {}},
    [[{}]],
    None,
)


def texts(language: str, count: int) -> Iterator[tuple[Random, str]]:
    """Texts of a language: damaged ones, and pieces of several put together."""
    corpus = CORPUS[language]
    for random in seeds(count):
        text = random.choice(corpus)
        if random.random() < 0.3:
            other = random.choice(corpus)
            text = text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]
        yield random, damaged_bytes(random, text.encode()).decode("utf-8", "replace")


def _read_labels(random: Random, text: str) -> None:
    selector = attempted(random, partial(LabelSelector.parse, text))
    if selector is not None:
        assert LabelSelector.parse(str(selector)) == selector, random
        selector.matches({"a": "b", "i": "5"})


def _read_fields(random: Random, text: str) -> None:
    selector = attempted(random, partial(FieldSelector.parse, text))
    if selector is not None:
        again = FieldSelector.parse(str(selector))
        # Sorted as written: == and = are one, but not in the same place.
        assert {*again.requirements} == {*selector.requirements}, random


def _read_accept(random: Random, text: str) -> None:
    parse_accept(text)
    attempted(random, partial(accepted_form, text, SHAPES))
    attempted(random, partial(body_media_type, text))


def _read_query(random: Random, text: str) -> None:
    attempted(random, partial(parse_target, "GET", b"/api/v1/secrets", text.encode()))


def _read_path(random: Random, text: str) -> None:
    method = random.choice(("GET", "POST", "PROPFIND", ""))
    attempted(random, partial(parse_target, method, text.encode(), b""))


def _read_token(random: Random, text: str) -> None:
    found = attempted(random, partial(decode_token, text, "/registry/secrets/"))
    # Whatever a token says, it goes on within the prefix that was asked for.
    assert found is None or found.start.startswith("/registry/secrets/"), random


def _read_jsonpath(random: Random, text: str) -> None:
    try:
        path = JSONPath(text)
    except JSONPathError:
        return
    for value in VALUES:
        list(path.find(value))


def _read_regexp(random: Random, text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except PatternError:
        return
    long = "a" * 5000 + "!"
    pattern.matches(long)
    assert pattern.find(long) in long, random
    assert len(pattern.find_all(long, 3)) <= 3, random


def _read_cel(random: Random, text: str) -> None:
    try:
        compile_expression(text, ["self", "a"]).evaluate({"self": VALUES[0], "a": VALUES[1]})
    except CelError:
        return


def _read_yaml(random: Random, text: str) -> None:
    try:
        yaml_text.load(text.encode())
    except yaml_text.YAMLError:
        return


READERS: dict[str, Callable[[Random, str], None]] = {
    "labels": _read_labels,
    "fields": _read_fields,
    "accept": _read_accept,
    "query": _read_query,
    "path": _read_path,
    "token": _read_token,
    "jsonpath": _read_jsonpath,
    "regexp": _read_regexp,
    "cel": _read_cel,
    "yaml": _read_yaml,
}


@pytest.mark.parametrize("language", READERS)
def test_any_text_is_read_or_refused(language: str) -> None:
    for random, text in texts(language, 150):
        READERS[language](random, text)


def _schema() -> dict[str, Any]:
    tree: dict[str, Any] = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return tree


_SPEC = {
    "short": "s",
    "matched": "abc",
    "replicas": 2,
    "ratio": 1.5,
    "port": "web",
    "set": ["a", "b"],
    "parts": [{"name": "a", "proto": "TCP"}, {"name": "b"}],
    "labels": {"a": "b"},
    "free": {"x": {"y": [1]}},
    "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}},
    "choice": {"a": "a"},
}


def test_any_schema_is_refused_or_used_on_any_object() -> None:
    for random in seeds(60):
        found = attempted(random, partial(parse, damaged_tree(random, _schema()), Path()))
        schema = found[0] if found else None
        if schema is None:
            continue
        publish(schema, version=random.choice((2, 3)))
        tree = {"kind": "Thing", "spec": damaged_tree(random, _SPEC), "status": junk(random)}
        old = copy_tree(tree)
        prune(tree, schema)
        assert find_unknown(tree, schema) == [], random
        set_defaults(tree, schema)
        validate(tree, schema)
        validate(tree, schema, old)


def test_any_custom_object_is_read_or_refused() -> None:
    schema, _ = parse(_schema(), Path())
    struct = custom_type("fuzz.example.com", "v1", "Thing", schema)
    base = {"apiVersion": "fuzz.example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
    for random in seeds(100):
        body = as_json(damaged_tree(random, {**base, "spec": _SPEC}))
        if random.random() < 0.3:
            body = damaged_bytes(random, body)
        decode = partial(codec.decode, body, struct, kind="Thing", find=True)
        decoded = attempted(random, decode)
        if decoded is not None:
            once = codec.encode(decoded.obj)
            assert codec.encode(codec.decode(once, struct, kind="Thing").obj) == once, random
