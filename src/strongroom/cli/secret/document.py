"""A Secret as text to edit: values decoded, and text exactly what was typed.

It is YAML without its guesses: ``5432``, ``yes`` and ``null`` are the text that they are. What is
no text is ``!!binary``. Aliases and anchors are refused: in a Secret, ``*x`` and ``&x`` are values
that somebody forgot to quote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from strongroom.api.apply.last_applied import ANNOTATION
from strongroom.resources.secret import Secret


class Unreadable(ValueError):
    """The text cannot be used; the message names a line or key and holds nothing of a value."""


@dataclass(slots=True)
class Document:
    """What can be edited of a Secret."""

    data: dict[str, bytes] = field(default_factory=dict, repr=False)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    immutable: bool = False


def document_of(secret: Secret) -> Document:
    """The Secret, but for the annotation that is kubectl's own."""
    meta = secret.metadata
    return Document(
        data=dict(secret.data),
        labels=dict(meta.labels),
        annotations={key: text for key, text in meta.annotations.items() if key != ANNOTATION},
        immutable=bool(secret.immutable),
    )


def dump(document: Document) -> str:
    """The text of a document; :func:`load` reads it back as the same."""
    tree: dict[str, Any] = {"data": {k: _plain(v) for k, v in sorted(document.data.items())}}
    tree |= {"labels": document.labels} if document.labels else {}
    tree |= {"annotations": document.annotations} if document.annotations else {}
    tree |= {"immutable": "true"} if document.immutable else {}
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=2**16, allow_unicode=True))


def load(text: str) -> Document:
    """The document that a text tells. Raises :class:`Unreadable`."""
    try:
        tree = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise Unreadable(f"not valid YAML{_place(error)}") from None
    except ValueError:
        raise Unreadable("a !!binary value is not base64") from None
    if not isinstance(tree, dict) or not set(tree) <= set(_PARTS):
        raise Unreadable(f"expected {', '.join(_PARTS)} and nothing else at the left edge")
    immutable = tree.get("immutable", "false")
    if immutable not in ("true", "false"):
        raise Unreadable("immutable: expected true or false")
    data = _strings(tree, "data")
    return Document(
        data={k: v.encode() if isinstance(v, str) else v for k, v in data.items()},
        labels=_texts(tree, "labels"),
        annotations=_texts(tree, "annotations"),
        immutable=immutable == "true",
    )


_PARTS = ("data", "labels", "annotations", "immutable")


def _plain(value: bytes) -> str | bytes:
    """The value as text where it is text that YAML gives back unchanged, else as bytes."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value
    try:
        same = yaml.load(_dumped(text), Loader=_Loader) == {"": text}  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        same = False
    return text if same else value


def _dumped(text: str) -> str:
    return str(yaml.dump({"": text}, Dumper=_Dumper, width=2**16, allow_unicode=True))


def _strings(tree: dict[Any, Any], part: str) -> dict[str, Any]:
    entries = tree.get(part) or {}
    if not isinstance(entries, dict):
        raise Unreadable(f"{part}: expected lines of KEY: VALUE")
    for key, value in entries.items():
        if not isinstance(key, str):
            raise Unreadable(f"{part}: a key is not text")
        if not isinstance(value, (str, bytes)):
            raise Unreadable(f"{part}: {key}: the value is not text; put it in quotes")
    return entries


def _texts(tree: dict[Any, Any], part: str) -> dict[str, str]:
    entries = _strings(tree, part)
    for key, value in entries.items():
        if not isinstance(value, str):
            raise Unreadable(f"{part}: {key}: the value is not text")
    return entries


class _Loader(yaml.SafeLoader):
    """Guesses no types, refuses what would lose a value: anchors, aliases, repeated keys."""

    # Without resolvers every plain scalar is text.
    yaml_implicit_resolvers: dict[Any, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # not in PyYAML's stubs
        if getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(None, None, "an anchor or alias", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "no key", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as lines."""

    yaml_implicit_resolvers: dict[Any, Any] = {}


def _lines(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _lines)


def _place(error: yaml.YAMLError) -> str:
    """Where, and not what: the parser's own words quote the line."""
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
