"""Strategic merge patch: a merge patch that knows the keys of lists.

How a list merges is declared with its field (``patch`` and ``merge_key`` in :mod:`..schema`). The
directives in a patch:

    "$patch": "replace" | "delete"      of an object, or of an item of a list (with its merge key)
    "$retainKeys": [...]                drop all other members of the object
    "$deleteFromPrimitiveList/F": [...] take values out of list F
    "$setElementOrder/F": [...]         the order in which the patch's author knows list F

The source of the rules is ``k8s.io/apimachinery/pkg/util/strategicpatch``. ``"$patch": "merge"`` is
taken as saying what happens anyway for objects, and refused in lists, as upstream does.
"""

from __future__ import annotations

from typing import Any

from strongroom.api.patch import element_order
from strongroom.api.patch.failures import malformed, unprocessable
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

Tree = dict[str, Any]

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList"
_SET_ORDER = "$setElementOrder"


def apply_strategic(current: Tree, patch: Tree, struct: type[Struct]) -> Tree:
    """The result of the patch; neither tree is changed. Raises StatusError 400 or 422."""
    return _merge_map(current, patch, TypeSchema("struct", struct=struct))


def _merge_map(original: Tree, patch: Tree, type_: TypeSchema | None) -> Tree:
    directive = patch.get(_PATCH, "merge")
    if directive == "delete":
        return {}
    if directive == "replace":
        return _members(patch)
    if directive != "merge":
        raise malformed("unknown patch type in a $patch directive")
    result = _retain(original, patch)
    ordered = _directives(patch, _SET_ORDER)
    for name, values in _directives(patch, _DELETE_FROM).items():
        _delete_values(result, name, values)
    for name, order in ordered.items():
        _merge_ordered(result, patch, name, order, _field(type_, name))
    for name, value in patch.items():
        if name not in ordered and not _is_directive(name):
            _merge_member(result, name, value, type_)
    return result


def _merge_member(result: Tree, name: str, value: Any, type_: TypeSchema | None) -> None:
    if value is None:
        result.pop(name, None)
        return
    original = result.get(name)
    if isinstance(original, dict) and isinstance(value, dict):
        field = _field(type_, name)
        replace = field is not None and _strategy(field) == "replace"
        result[name] = (
            _members(value) if replace else _merge_map(original, value, _member_type(type_, name))
        )
    elif isinstance(original, list) and isinstance(value, list):
        result[name] = _merge_list(original, value, _field(type_, name))
    elif _is_dropped(value):
        result.pop(name, None)
    else:
        result[name] = _new(value)


def _merge_list(original: list[Any], patch: list[Any], field: FieldSchema | None) -> list[Any]:
    """The merged list, in the order of the patch where the patch tells one."""
    if field is None or _strategy(field) != "merge":
        return [_new(item) for item in patch if not _is_dropped(item)]
    if not original and not patch:
        return original
    of_maps = _of_maps(original, patch)
    if not of_maps:
        merged = list({element_order.identity(v, ""): v for v in [*original, *patch]}.values())
        return element_order.arrange(merged, patch, original, "")
    key = _merge_key(field)
    base, items = _apply_item_directives(original, patch, key)
    merged = _merge_items(base, items, key, field.type.items)
    return element_order.arrange(merged, items, base, key)


def _apply_item_directives(
    original: list[Any], patch: list[Any], key: str
) -> tuple[list[Any], list[Any]]:
    """What is left of the original after ``$patch`` items, and the other items of the patch."""
    items, deleted, replace = [], set(), False
    for item in patch:
        directive = item.get(_PATCH)
        if _PATCH not in item:
            items.append(item)
        elif directive == "delete":
            deleted.add(element_order.identity(item, key))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise malformed("merging lists cannot yet be specified in the patch")
        else:
            raise malformed("unknown patch type in a $patch directive")
    if replace:
        return [], items
    kept = [v for v in original if element_order.identity(v, key, strict=False) not in deleted]
    return kept, items


def _merge_items(
    base: list[Any], patch: list[Any], key: str, type_: TypeSchema | None
) -> list[Any]:
    merged = list(base)
    places: dict[element_order.Identity, int] = {}
    for at, item in enumerate(base):
        places.setdefault(element_order.identity(item, key, strict=False), at)
    for item in patch:
        identity = element_order.identity(item, key)
        if identity in places:
            at = places[identity]
            merged[at] = _merge_map(merged[at], item, type_)
        else:
            places[identity] = len(merged)
            merged.append(_new(item))
    return merged


def _merge_ordered(
    result: Tree, patch: Tree, name: str, order: list[Any], field: FieldSchema | None
) -> None:
    """Merge the list ``name`` and put it into the order that ``$setElementOrder`` tells."""
    original, change = result.get(name), patch.get(name)
    if name in patch and change is None:
        result.pop(name, None)
        return
    if not isinstance(original, list | None) or not isinstance(change, list | None):
        raise malformed("invalid patch format of setElementOrder list")
    key = field.facts.merge_key or "" if field is not None else ""
    if change:
        listed = [v for v in change if not (isinstance(v, dict) and _PATCH in v)]
        element_order.check_subsequence(listed, order, key)
    if original is None and change is None:
        return
    if original is None or change is None:
        merged = original if original is not None else _new(change)
    else:
        merged = _merge_list(original, change, field)
    result[name] = element_order.arrange(merged, order, original or [], key)


def _delete_values(result: Tree, name: str, values: list[Any]) -> None:
    current = result.get(name)
    if not isinstance(current, list):
        return
    if any(isinstance(v, (dict, list)) for v in values):
        raise malformed("invalid patch format of primitive list")
    gone = {element_order.identity(v, "") for v in values}
    result[name] = [
        v
        for v in current
        if isinstance(v, (dict, list)) or element_order.identity(v, "") not in gone
    ]


def _retain(original: Tree, patch: Tree) -> Tree:
    """A shallow copy of the original with the members that ``$retainKeys`` leaves."""
    if _RETAIN not in patch:
        return dict(original)
    keys = patch[_RETAIN]
    if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
        raise malformed("invalid patch format of retainKeys")
    retained = set(keys)
    given = {k for k, v in patch.items() if v is not None and not _is_directive(k)}
    if not given <= retained:
        raise malformed("invalid patch format of retainKeys")
    return {k: v for k, v in original.items() if k in retained}


def _directives(patch: Tree, prefix: str) -> dict[str, list[Any]]:
    """The lists of directives ``PREFIX/FIELD``, by field."""
    found: dict[str, list[Any]] = {}
    what = "primitive list" if prefix == _DELETE_FROM else "setElementOrder list"
    for name, values in patch.items():
        if name.startswith(prefix):
            _, slash, field = name.partition("/")
            if not slash or not field or not isinstance(values, list):
                raise malformed(f"invalid patch format of {what}")
            found[field] = values
    return found


def _is_directive(name: str) -> bool:
    return name in (_PATCH, _RETAIN) or name.startswith((_DELETE_FROM, _SET_ORDER))


def _is_dropped(value: Any) -> bool:
    """An object with a directive has nothing to act on where nothing was: it goes."""
    return isinstance(value, dict) and _PATCH in value


def _new(value: Any) -> Any:
    """A value of the patch that meets nothing in the original: no nulls, no directives."""
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list):
        return [_new(item) for item in value if not _is_dropped(item)]
    return value


def _members(patch: Tree) -> Tree:
    return {
        name: _new(value)
        for name, value in patch.items()
        if value is not None and not _is_directive(name) and not _is_dropped(value)
    }


def _field(type_: TypeSchema | None, name: str) -> FieldSchema | None:
    if type_ is None or type_.struct is None:
        return None
    return schema_of(type_.struct).fields.get(name)


def _member_type(type_: TypeSchema | None, name: str) -> TypeSchema | None:
    if type_ is not None and type_.kind == "map":
        return type_.items
    field = _field(type_, name)
    return field.type if field is not None else None


def _strategy(field: FieldSchema) -> str:
    """``merge``, ``replace`` or nothing; ``retainKeys`` only tells makers of patches something."""
    names = (field.facts.patch or "").split(",")
    return next((name for name in names if name in ("merge", "replace")), "")


def _merge_key(field: FieldSchema) -> str:
    if not field.facts.merge_key:
        raise malformed(f"cannot merge lists without merge key for {field.name}")
    return field.facts.merge_key


def _of_maps(original: list[Any], patch: list[Any]) -> bool:
    items = [*original, *patch]
    if any(isinstance(v, list) for v in items):
        raise unprocessable()
    maps = sum(isinstance(v, dict) for v in items)
    if 0 < maps < len(items):
        raise malformed("list element types are not identical")
    return maps > 0
