"""Kubeconfig files: read, merged and looked up, for whoever calls somebody by what one says.

Relative paths are relative to the file that holds them. Unknown fields are ignored, as every client
does: other tools keep their own settings there.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

Tree = dict[str, Any]


class InvalidKubeconfig(Exception):
    """A kubeconfig cannot be used; the message names the file or entry, never its content."""

    holds_no_payload: ClassVar = True
    """Logs may tell the message (see :mod:`strongroom.telemetry`)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The parts that a context names. Their repr would show credentials, so there is none."""

    context: str
    cluster: Tree
    user: Tree
    entry: Tree

    def __repr__(self) -> str:
        return f"Chosen({self.context!r})"


def read(path: Path) -> Tree:
    """One file with its entries by name; each entry remembers the directory of its file.

    Raises InvalidKubeconfig.
    """
    # Reading YAML takes 40 ms to import, and most servers never do.
    import yaml

    try:
        tree = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise InvalidKubeconfig(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        # The parser's own message quotes the line, which may hold a key.
        raise InvalidKubeconfig(f"{path} is not valid YAML") from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise InvalidKubeconfig(f"{path} is not a kubeconfig")
    found: Tree = {"current-context": tree.get("current-context") or ""}
    for kind, inner in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        found[kind] = _entries(path, tree.get(kind), inner)
    return found


def merge(files: list[Tree]) -> Tree:
    """One tree of several: for each named entry and the current context, the first file wins."""
    merged: Tree = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for tree in files:
        for kind in ("clusters", "users", "contexts"):
            for name, entry in tree[kind].items():
                merged[kind].setdefault(name, entry)
        merged["current-context"] = merged["current-context"] or tree["current-context"]
    return merged


def choose(tree: Tree, context: str = "") -> Chosen:
    """What one context (or the current one) names. Raises InvalidKubeconfig."""
    name = context or tree["current-context"]
    if not name:
        raise InvalidKubeconfig("the kubeconfig has no current context; name one with --context")
    if name not in tree["contexts"]:
        raise InvalidKubeconfig(f'context "{name}" does not exist')
    entry = tree["contexts"][name]
    cluster = _referenced(tree, "clusters", entry, "cluster")
    user = _referenced(tree, "users", entry, "user") if entry.get("user") else {}
    return Chosen(name, cluster, user, entry)


def text_of(entry: Tree, key: str) -> str:
    """A text, "" where there is none. Raises InvalidKubeconfig."""
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidKubeconfig(f"{key} is not a string")
    return value


def path_of(entry: Tree, key: str) -> Path | None:
    """The file that an entry names, if it does. Raises InvalidKubeconfig."""
    name = text_of(entry, key)
    return Path(entry[".dir"]) / name if name else None


def data_of(entry: Tree, key: str) -> bytes:
    """``KEY-data`` (base64) before the file that ``KEY`` names, as upstream has it.

    Raises InvalidKubeconfig.
    """
    inline = text_of(entry, f"{key}-data")
    if inline:
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidKubeconfig(f"{key}-data is not base64") from None
    path = path_of(entry, key)
    if path is None:
        return b""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidKubeconfig(f"cannot read {key} {entry[key]}: {error.strerror}") from error


def _entries(path: Path, entries: object, inner: str) -> Tree:
    named: Tree = {}
    if entries is None:
        return named
    if not isinstance(entries, list):
        raise InvalidKubeconfig(f"{path}: {inner}s is not a list")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise InvalidKubeconfig(f"{path}: an entry of {inner}s has no name")
        body = entry.get(inner) or {}
        if not isinstance(body, dict):
            raise InvalidKubeconfig(f'{path}: {inner} "{entry["name"]}" is not an object')
        named.setdefault(entry["name"], {**body, ".dir": path.absolute().parent})
    return named


def _referenced(tree: Tree, kind: str, context: Tree, key: str) -> Tree:
    name = text_of(context, key)
    entry = tree[kind].get(name)
    if entry is None:
        raise InvalidKubeconfig(f'{key} "{name}" does not exist')
    return dict(entry)
