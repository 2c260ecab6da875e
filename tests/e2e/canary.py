"""A value that can be told from any other, and the search for it in every form it may take."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TOKEN = secrets.token_hex(12)
CANARY = f"canary-{TOKEN}"


def in_base64(content: bytes) -> list[bytes]:
    """What of some bytes is seen in base64 whatever stands before and after them."""
    found = []
    for before in range(3):
        whole = base64.b64encode(b"-" * before + content)
        # A character is six bits: those that share one with a neighbour are left out.
        found.append(whole[-(-before * 8 // 6) : (before + len(content)) * 8 // 6])
    return found


def forms_of(token: str) -> list[bytes]:
    """The ways in which a value might be written down; hex digits survive quoting unchanged."""
    plain = token.encode()
    encoded = in_base64(plain)
    twice = [outer for inner in encoded for outer in in_base64(inner)]
    wide = [token.encode("utf-16-le"), token.encode("utf-16-be")]
    escaped = ["".join(f"{mark}{byte:02x}" for byte in plain) for mark in ("%", "\\x", "\\u00")]
    others = [plain.upper(), plain[::-1], plain.hex().encode(), *map(str.encode, escaped)]
    return [plain, *others, *wide, *encoded, *twice]


FORMS = forms_of(TOKEN)


def holds(content: bytes, forms: Sequence[bytes] = FORMS) -> bool:
    return any(form in content for form in forms)


def files_that_hold_it(directory: Path, forms: Sequence[bytes] = FORMS) -> list[str]:
    """Names of files below a directory in which the canary, or another value, has any form."""
    found = []
    for path in directory.rglob("*"):
        try:
            if path.is_file() and holds(path.read_bytes(), forms):
                found.append(str(path.relative_to(directory)))
        except FileNotFoundError:
            continue  # it was removed while we looked
    return found


TALKATIVE: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        # There, values are put into fields that no schema marks.
        {"level": "Metadata", "resources": [{"group": "canary.test"}]},
        {"level": "RequestResponse"},
    ],
}
"""Audits all that can be."""


def secret(name: str, **fields: Any) -> dict[str, Any]:
    """A Secret that holds the canary."""
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    return {**base, "stringData": {"a": CANARY, "b": "plain"}, **fields}


def env(name: str, key: str = "a") -> list[dict[str, Any]]:
    """A container's environment with the canary in it."""
    return [{"name": "CANARY", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]


WRITES: dict[str, Any] = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["secrets"],
}
"""What webhooks and policies are asked about."""

QUOTING: dict[str, Any] = {
    "matchConstraints": {"resourceRules": [WRITES]},
    "validations": [
        {
            "expression": "object.metadata.name != 'said'",
            "messageExpression": "string(object.data.a)",
        },
        {"expression": "object.metadata.name != 'error' || int(object.data.a) > 0"},
        {"expression": "object.metadata.name != 'key' || object.data[object.data.a] == 'b'"},
    ],
}
"""A policy that tells values to whom it refuses, or fails over them."""


def birds_definition(length: int) -> dict[str, Any]:
    """Defines Birds, whose rule quotes what is not shorter than so many characters."""
    rule = {"rule": f"self.a.size() < {length}", "messageExpression": "'not ' + self.a"}
    text = {"type": "string", "maxLength": 100}
    schema = {"type": "object", "properties": {"a": text}, "x-kubernetes-validations": [rule]}
    both = {"type": "object", "properties": {"spec": schema, "n": {"type": "integer"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": both}}
    names = {"plural": "birds", "singular": "bird", "kind": "Bird", "listKind": "BirdList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "birds.canary.test"},
        "spec": {
            "group": "canary.test",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }
