"""Finding Secrets that an object of any kind names, by the names of its fields.

Kinds that strongroom knows are marked (:mod:`strongroom.resources.references`); for all others
there is only how people call such fields. So each find is shown with its path, to be judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.api.validation import dns_subdomain

_NAMES = re.compile(r"(?:.*[sS]ecret|.*SECRET)(?:[_-]?[nN]ames?)?")
"""Fields whose text is a name: ``secretName``, ``tlsSecretName``, ``existingSecret``."""
_OBJECTS = re.compile(r"(?:.*[sS]ecrets?)(?:Key)?(?:Refs?|References?|Selectors?)?|certificateRefs")
"""Fields that hold an object with a name: ``secretRef``, ``passwordSecretRef``, ``pullSecrets``."""
_LISTS = re.compile(r".*[sS]ecret(?:s|[nN]ames)")
"""Fields that may hold a list of names: ``imagePullSecrets``, ``secretNames``."""
_PARAMETER = re.compile(r".*secret-name")
"""Parameters of storage classes: ``csi.storage.k8s.io/node-publish-secret-name``."""
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names a Secret. An empty ``namespace`` means the object's own."""

    name: str
    namespace: str
    path: str
    optional: bool = False


def mentions(tree: Any) -> Iterator[Mention]:
    """Every place in an object's tree that seems to name a Secret; its metadata is left out."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in ("metadata", "kind", "apiVersion"):
                yield from _in_field(tree, str(key), value, str(key), 0)


def _in_field(
    holder: dict[str, Any], key: str, value: Any, path: str, depth: int
) -> Iterator[Mention]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, str) and _LISTS.fullmatch(key) and _is_name(item):
                yield Mention(item, "", f"{path}[{i}]")
                continue
            yield from _in_field(holder, key, item, f"{path}[{i}]", depth + 1)
    elif isinstance(value, str):
        if (_NAMES.fullmatch(key) or _PARAMETER.fullmatch(key)) and _is_name(value):
            place = holder.get(f"{key}space") or holder.get("secretNamespace")
            where = place if isinstance(place, str) else ""
            yield Mention(value, where, path, holder.get("optional") is True)
    elif isinstance(value, dict):
        if (found := _named(key, value, path)) is not None:
            yield found
        for inner, content in value.items():
            yield from _in_field(value, str(inner), content, f"{path}.{inner}", depth + 1)


def _named(key: str, value: dict[str, Any], path: str) -> Mention | None:
    """The reference that an object is, by the name of its field or by its own ``kind``."""
    name, kind, place = (value.get(field, "") for field in ("name", "kind", "namespace"))
    if not isinstance(name, str) or not _is_name(name) or kind not in ("", "Secret"):
        return None
    if kind != "Secret" and not _OBJECTS.fullmatch(key):
        return None
    where = place if isinstance(place, str) else ""
    return Mention(name, where, f"{path}.name", value.get("optional") is True)


def _is_name(text: str) -> bool:
    return bool(text) and not dns_subdomain(text)
