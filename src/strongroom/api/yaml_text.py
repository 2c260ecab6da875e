"""YAML bodies, read as sigs.k8s.io/yaml does: into what the same JSON would be.

Differences from PyYAML's own reading: the resolution of plain scalars is go-yaml's (``y`` and
``on`` are booleans, ``1:30`` is text, times stay text), keys of maps become text, and aliases may
not multiply a small body into a large tree.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from strongroom.api.jsontext import MAX_VALUES
from strongroom.api.lenient import decode_base64

MAX_DEPTH = 200
"""Deepest nesting that is read; the tree is built by recursion."""

_ALIASED_NODES = MAX_VALUES
"""Nodes that aliases may add to a document. A body that needs more is an attack."""

_MAX_DUPLICATES = 100
"""Keys told of that are there twice; more of them say nothing new."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = "?"
_RESOLVED = (_PLAIN, *(_TAG + name for name in ("int", "float", "bool", "null")))
_DEEP_INDENT = re.compile(r"^[ \-?]{150}", re.MULTILINE)
_BOOLS = {
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
}
_NULLS = ("", "~", "null", "Null", "NULL")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]")
"""How go-yaml's times begin; sigs.k8s.io/yaml leaves them text, and other readers do not."""
_INT = re.compile(r"[-+]?(0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")


class YAMLError(ValueError):
    """A body that is no YAML; ``str()`` says where, never what stands there."""


class _Composer(yaml.CSafeLoader):
    """Only parses and composes; scalars are resolved by :class:`_Builder`."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """Mark plain scalars, whose meaning depends on the text; others are what they seem."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TAG + "str"
        return _TAG + ("seq" if kind is yaml.SequenceNode else "map")


def load(body: bytes) -> tuple[Any, list[str]]:
    """The tree of the only document, and a finding for each key that is there twice.

    Raises YAMLError.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise YAMLError("yaml: invalid UTF-8") from None
    try:
        node = _compose(text)
    except (yaml.scanner.ScannerError, yaml.parser.ParserError) as error:
        raise YAMLError(f"yaml: {_line(error)}{error.problem}") from None
    except yaml.composer.ComposerError:
        # An undefined alias would be told by its name, so neither is.
        raise YAMLError("yaml: unknown anchor, or more than one document") from None
    except yaml.YAMLError:
        raise YAMLError("yaml: control characters are not allowed") from None
    if node is None:
        return None, []
    builder = _Builder()
    tree = builder.build(node, 0)
    if not builder.duplicates:
        return tree, []
    return tree, ["yaml: unmarshal errors:\n" + "\n".join(builder.duplicates)]


class _Dumper(yaml.CSafeDumper):
    """Quotes text that Go's reader would take for something else, as it does ``y`` and ``1e3``."""


def _text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if _is_ambiguous(text) else None
    node: yaml.ScalarNode = dumper.represent_scalar(_TAG + "str", text, style=style)
    return node


_Dumper.add_representer(str, _text)


def dump(tree: Any, *, sort_keys: bool = True) -> str:
    """JSON's values as YAML, which every client reads back as the same."""
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=sort_keys))


def _is_ambiguous(text: str) -> bool:
    if _DATE.match(text):
        return True
    try:
        return not isinstance(_resolved(text), str)
    except YAMLError:
        return True


def _line(error: yaml.MarkedYAMLError) -> str:
    """The line that go-yaml tells: it counts a parser's lines from zero, a scanner's from one.

    The problem that follows is one of libyaml's fixed texts, which quote nothing.
    """
    scanner = isinstance(error, yaml.scanner.ScannerError)
    if error.problem_mark and error.problem_mark.line:
        return f"line {error.problem_mark.line + scanner}: "
    if error.context_mark and error.context_mark.line:
        return f"line {error.context_mark.line}: "
    return ""


def _compose(text: str) -> yaml.Node | None:
    _refuse_excess(text)
    loader = _Composer(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _refuse_excess(text: str) -> None:
    """Count nesting and nodes from the events first: composing is slow, and recurses in C.

    Each level takes a bracket or a column, and each node one of the marks below, so that most
    bodies need no counting.
    """
    deep = text.count("[") + text.count("{") >= 150 or _DEEP_INDENT.search(text)
    if not deep and sum(map(text.count, "\n,[{:?-")) < MAX_VALUES:
        return
    depth = count = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.NodeEvent):
            count += 1
            # A node for each key, beside one for each value.
            if count > 2 * MAX_VALUES:
                raise YAMLError("yaml: exceeded max number of values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YAMLError("yaml: exceeded max depth")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Makes a tree of fresh objects from composed nodes."""

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self._seen: set[int] = set()
        self._aliased = 0

    def build(self, node: yaml.Node, depth: int) -> Any:
        """The value of a node. Aliases are copied, within a budget."""
        if depth > MAX_DEPTH:
            # Aliases can nest what the text does not, or contain themselves.
            raise YAMLError("yaml: exceeded max depth")
        if id(node) in self._seen:
            self._aliased += 1
            if self._aliased > _ALIASED_NODES:
                raise YAMLError("yaml: document contains excessive aliasing")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                self._merge(merged, value_node, depth)
                continue
            key = _key(key_node)
            if key in out and len(self.duplicates) < _MAX_DUPLICATES:
                line = key_node.start_mark.line + 1
                self.duplicates.append(f'  line {line}: key "{key}" already set in map')
            out[key] = self.build(value_node, depth + 1)
        return {**merged, **out} if merged else out

    def _merge(self, merged: dict[str, Any], node: yaml.Node, depth: int) -> None:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise YAMLError("yaml: map merge requires map or sequence of maps as the value")
            for key, value in self.build(source, depth + 1).items():
                merged.setdefault(key, value)


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "<<" and node.tag == _PLAIN


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise YAMLError("yaml: unsupported map key")
    value = _scalar(node)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise YAMLError("yaml: unsupported map key of type: <nil>")
    return str(value)


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if node.tag in _RESOLVED:
        return _resolved(text)
    if node.tag == _TAG + "binary":
        try:
            return decode_base64(text.replace(" ", "")).decode()
        except ValueError:
            raise YAMLError("yaml: !!binary value contains invalid base64 data") from None
    return text


def _resolved(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    plain = text.replace("_", "") if text[:1] in "+-0123456789" else text
    if _INT.fullmatch(plain) and len(plain) <= 100:
        return _integer(plain)
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        # Written as JSON, Go's 1e3 is 1000: an integer to whoever reads it.
        return int(number) if number.is_integer() and abs(number) < 1e21 else _finite(number)
    if _SPECIAL.fullmatch(text):
        raise YAMLError("yaml: a number must be finite")
    return text


def _integer(plain: str) -> int:
    digits = plain.lstrip("+-")
    negative = plain.startswith("-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        number = int(digits, 8)
    else:
        number = int(digits, 0)
    return -number if negative else number


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise YAMLError("yaml: a number must be finite")
    return number
