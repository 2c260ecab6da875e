"""A server for random requests: a process of its own, a rich custom kind, a marked Secret."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from strongroom.testing.process import Strongroom
from tests.e2e.marked import MARK, MARK64, secret
from tests.e2e.wire import Wire
from tests.fuzz.documents import NAMESPACES

Tree = dict[str, Any]

CUSTOM = "apis/fuzz.example.com/v1"

_TEXTS: Tree = {
    "short": {"type": "string", "maxLength": 8, "default": "d"},
    "matched": {"type": "string", "pattern": "^[a-z]{1,5}$"},
    "one": {"type": "string", "enum": ["A", "B"], "nullable": True},
    "when": {"type": "string", "format": "date-time"},
    "where": {"type": "string", "format": "ipv4"},
    "bytes": {"type": "string", "format": "byte"},
}
_NUMBERS: Tree = {
    "replicas": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 5, "default": 1},
    "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5},
    "port": {"x-kubernetes-int-or-string": True},
}
_LISTS: Tree = {
    "set": {
        "type": "array",
        "maxItems": 5,
        "items": {"type": "string", "maxLength": 5},
        "x-kubernetes-list-type": "set",
    },
    "parts": {
        "type": "array",
        "maxItems": 4,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "proto"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 5},
                "proto": {"type": "string", "default": "TCP"},
                "weight": {"type": "integer", "default": 1},
            },
        },
    },
}
_MAPS: Tree = {
    "labels": {
        "type": "object",
        "maxProperties": 4,
        "additionalProperties": {"type": "string", "minLength": 1},
    },
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "template": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {}}
    | {"x-kubernetes-preserve-unknown-fields": True},
    "choice": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
}
_RULES = [
    {"rule": "!has(self.replicas) || self.replicas != 4", "message": "four is no number"},
    {
        "rule": "!has(oldSelf.one) || has(self.one)",
        "message": "one stays",
        "reason": "FieldValueForbidden",
    },
]

_STATUS: Tree = {"replicas": {"type": "integer"}, "selector": {"type": "string"}}


def definition() -> Tree:
    """A definition with every word of structural schemas that we can think of."""
    spec = {
        "type": "object",
        # Without replicas the scale subresource is an internal error, with upstream as with us.
        "default": {},
        "properties": {**_TEXTS, **_NUMBERS, **_LISTS, **_MAPS},
        "x-kubernetes-validations": _RULES,
    }
    status = {"type": "object", "properties": _STATUS}
    schema = {"type": "object", "properties": {"spec": spec, "status": status}}
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, "scale": scale},
        "selectableFields": [{"jsonPath": ".spec.short"}],
        "additionalPrinterColumns": [
            {"name": "R", "type": "integer", "jsonPath": ".spec.parts[?(@.weight>1)].name"}
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.fuzz.example.com"},
        "spec": {
            "group": "fuzz.example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
        },
    }


class Fuzzed:
    """The server, and ways to speak to it as its administrator."""

    def __init__(self, room: Strongroom, directory: Path) -> None:
        self.room = room
        self.wire = Wire(room.kubeconfig)
        pki = directory / "data" / "pki"
        self.audit = directory / "data" / "audit" / "audit.log"
        self.session = requests.Session()
        # A bundle of authorities that the environment names would replace ours.
        self.session.trust_env = False
        self.session.verify = str(pki / "ca.crt")
        self.session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))

    def document(self, path: str) -> Tree:
        """An OpenAPI document."""
        answer = self.session.get(f"{self.room.url}/openapi/v3/{path}", timeout=60)
        assert answer.status_code == 200, answer.text
        tree: Tree = answer.json()
        return tree

    def still_serves(self) -> None:
        """Raises AssertionError when the server has ended, failed inside or told the marker."""
        assert self.wire.send("GET", "/readyz").body == b"ok"
        for path in (self.room.log, self.audit):
            text = path.read_text(errors="replace")
            assert MARK not in text, path
            assert MARK64 not in text, path
        failed = [line for line in self.room.log.read_text().splitlines() if " ERROR " in line]
        assert failed == []


@contextlib.contextmanager
def fuzzed(directory: Path) -> Iterator[Fuzzed]:
    """Start a server with what random requests are made about."""
    with Strongroom.start(directory, "apiserver") as room:
        server = Fuzzed(room, directory)
        _furnish(server.wire)
        yield server
        server.session.close()


def _furnish(wire: Wire) -> None:
    name = NAMESPACES[0]
    assert wire.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    secrets = f"/api/v1/namespaces/{name}/secrets"
    assert wire.send("POST", secrets, secret(metadata={"name": "a"})).status == 201
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = wire.send("POST", definitions, definition())
    assert made.status == 201, made.body
    ends = time.monotonic() + 30
    while wire.send("GET", f"/{CUSTOM}/things").status != 200:
        assert time.monotonic() < ends, "the custom kind is never served"
        time.sleep(0.05)
