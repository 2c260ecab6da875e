"""The paths part of OpenAPI: each verb of each resource as an operation, in v2 and v3 form.

kubectl looks here for the query parameters of an operation (``fieldValidation``, ``dryRun``) by the
operation's ``x-kubernetes-group-version-kind``; code generators read the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from strongroom.api.apply import APPLY_MEDIA_TYPE
from strongroom.api.custom import is_custom
from strongroom.api.errors import Status
from strongroom.api.meta import DeleteOptions
from strongroom.api.openapi import PATCH, Version, definition_name, list_name, reference
from strongroom.api.patch import PatchType
from strongroom.registry.encode import shows_object
from strongroom.resources.resource import Resource
from strongroom.server.negotiation import JSON, YAML

Tree = dict[str, Any]

_MEDIA_TYPES = (JSON, YAML)
_PATCH_TYPES = (*(str(kind.value) for kind in PatchType), APPLY_MEDIA_TYPE)

_PRETTY = ("pretty", "string", "If 'true', the answer is indented.")
_LIST = (
    ("allowWatchBookmarks", "boolean", "Ask a watch for BOOKMARK events."),
    ("continue", "string", "Token of the next page of a list."),
    ("fieldSelector", "string", "Restricts the list by fields."),
    ("labelSelector", "string", "Restricts the list by labels."),
    ("limit", "integer", "Largest number of objects to return."),
    ("resourceVersion", "string", "How fresh the answer must be, or where a watch begins."),
    ("resourceVersionMatch", "string", "How resourceVersion is applied to a list."),
    ("sendInitialEvents", "boolean", "Whether a watch begins with the present objects."),
    ("timeoutSeconds", "integer", "Ends the call after this time."),
    ("watch", "boolean", "Watch for changes instead of listing."),
)
_WRITE = (
    ("dryRun", "string", "All: do everything but store."),
    ("fieldManager", "string", "Name of the actor that makes the change."),
    ("fieldValidation", "string", "What to do about unknown or duplicate fields."),
)
_FORCE = (("force", "boolean", "Take over fields that others own (apply only)."),)
_DELETE = (
    ("dryRun", "string", "All: do everything but store."),
    ("gracePeriodSeconds", "integer", "Seconds before the object is deleted; 0 means now."),
    ("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
    ("propagationPolicy", "string", "Orphan, Background or Foreground."),
)
_LOG = (
    ("container", "string", "The container whose log is read."),
    ("follow", "boolean", "Go on with what the container writes from now on."),
    ("limitBytes", "integer", "Largest number of bytes."),
    ("previous", "boolean", "The log of the container's last life."),
    ("sinceSeconds", "integer", "Only lines of the last seconds."),
    ("sinceTime", "string", "Only lines since this time."),
    ("tailLines", "integer", "Only the last lines."),
    ("timestamps", "boolean", "Begin each line with its time."),
)

Parameters = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Action:
    """An operation: HTTP method, Kubernetes' action, first word of its id, parameters, body."""

    method: str
    action: str
    word: str
    verb: str
    parameters: Parameters
    body: str = ""
    answers: str = "object"
    success: tuple[int, ...] = (200,)


_COLLECTION = (
    _Action("get", "list", "list", "list", _LIST, answers="list"),
    _Action("post", "post", "create", "create", _WRITE, "object", success=(200, 201, 202)),
    _Action(
        "delete",
        "deletecollection",
        "deleteCollection",
        "deletecollection",
        (*_DELETE, *_LIST),
        "options",
        "status",
    ),
)
_OBJECT = (
    _Action("get", "get", "read", "get", ()),
    _Action("put", "put", "replace", "update", _WRITE, "object", success=(200, 201)),
    _Action("patch", "patch", "patch", "patch", (*_WRITE, *_FORCE), "patch", success=(200, 201)),
    _Action(
        "delete", "delete", "delete", "delete", _DELETE, "options", "status", success=(200, 202)
    ),
)
_PART = (*_OBJECT, *(action for action in _COLLECTION if action.verb == "create"))


def resource_paths(resources: Iterable[Resource[Any]], version: Version) -> Tree:
    """The paths of resources, in OpenAPI 2 or 3."""
    paths: Tree = {}
    for resource in resources:
        paths |= _Paths(resource, version).build()
    return dict(sorted(paths.items()))


class _Paths:
    """The paths of one resource."""

    def __init__(self, resource: Resource[Any], version: Version) -> None:
        self._resource = resource
        self._version: Version = version
        self._shown: Resource[Any] = resource
        labels = resource.group.split(".")
        # Groups of Kubernetes go by their first word; those of others may have it in common.
        words = labels if is_custom(resource.type) else labels[:1]
        group = "".join(word.capitalize() for word in words) or "Core"
        self._tag = f"{group}{resource.version.capitalize()}"

    def build(self) -> Tree:
        resource = self._resource
        root = f"/apis/{resource.group}" if resource.group else "/api"
        root += f"/{resource.version}"
        scoped = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
        collection = f"{scoped}/{resource.plural}"
        paths = {collection: self._item(_COLLECTION, resource.verbs, named=False)}
        if resource.answered:
            return paths
        paths[f"{collection}/{{name}}"] = self._item(_OBJECT, resource.verbs, named=True)
        if resource.namespaced:
            everywhere = self._item(_COLLECTION[:1], resource.verbs, named=False, everywhere=True)
            paths[f"{root}/{resource.plural}"] = everywhere
        for part in resource.subresources:
            self._shown = part.other or resource
            item = self._item(_PART, part.verbs, named=True, suffix=part.name.capitalize())
            paths[f"{collection}/{{name}}/{part.name}"] = item
        self._shown = resource
        if resource.plural == "pods":
            log = _Action("get", "get", "read", "get", _LOG, answers="text")
            item = self._item((log,), ("get",), named=True, suffix="Log")
            paths[f"{collection}/{{name}}/log"] = item
        return paths

    def _item(
        self,
        actions: Iterable[_Action],
        verbs: Iterable[str],
        *,
        named: bool,
        everywhere: bool = False,
        suffix: str = "",
    ) -> Tree:
        item: Tree = {}
        for action in actions:
            if action.verb in verbs:
                item[action.method] = self._operation(action, everywhere, suffix)
        item["parameters"] = self._path_parameters(named, everywhere)
        return item

    def _operation(self, action: _Action, everywhere: bool, suffix: str) -> Tree:
        resource = self._resource
        scope = "Namespaced" if resource.namespaced and not everywhere else ""
        ending = "ForAllNamespaces" if everywhere else suffix
        word, collection = action.word, ""
        if word == "deleteCollection":
            word, collection = "delete", "Collection"
        operation: Tree = {
            "description": f"{action.action} {self._shown.kind}",
            "operationId": f"{word}{self._tag}{collection}{scope}{resource.kind}{ending}",
            "tags": [self._tag[0].lower() + self._tag[1:]],
            "x-kubernetes-action": action.action,
            "x-kubernetes-group-version-kind": {
                "group": self._shown.group,
                "kind": self._shown.kind,
                "version": self._shown.version,
            },
            "responses": self._responses(action),
        }
        parameters = [self._parameter(*p) for p in (*action.parameters, _PRETTY)]
        self._add_body(operation, parameters, action)
        operation["parameters"] = parameters
        return operation

    def _responses(self, action: _Action) -> Tree:
        answers = action.answers
        if action.verb == "delete" and shows_object(self._resource, removed=True):
            answers = "object"
        content: Tree = {
            "object": reference(definition_name(self._shown.type), self._version),
            "list": reference(
                list_name(definition_name(self._shown.type), self._shown.list_kind), self._version
            ),
            "status": reference(definition_name(Status), self._version),
            "text": {"type": "string"},
        }[answers]
        media_types = ("text/plain",) if answers == "text" else _MEDIA_TYPES
        if self._version == 2:
            answer: Tree = {"description": "OK", "schema": content}
        else:
            answer = {
                "description": "OK",
                "content": {media_type: {"schema": content} for media_type in media_types},
            }
        return {str(code): answer for code in action.success} | {
            "401": {"description": "Unauthorized"}
        }

    def _add_body(self, operation: Tree, parameters: list[Tree], action: _Action) -> None:
        if not action.body:
            return
        schema = {
            "object": reference(definition_name(self._shown.type), self._version),
            "patch": reference(PATCH, self._version),
            "options": reference(definition_name(DeleteOptions), self._version),
        }[action.body]
        media_types = self._patch_types() if action.body == "patch" else _MEDIA_TYPES
        required = action.body != "options"
        if self._version == 2:
            body: Tree = {"name": "body", "in": "body", "schema": schema}
            parameters.append(body | ({"required": True} if required else {}))
            operation["consumes"] = list(media_types)
            return
        operation["requestBody"] = {
            "content": {media_type: {"schema": schema} for media_type in media_types}
        } | ({"required": True} if required else {})

    def _patch_types(self) -> tuple[str, ...]:
        """The forms of patches; kubectl looks here whether a kind takes strategic ones."""
        if not is_custom(self._shown.type):
            return _PATCH_TYPES
        return tuple(kind for kind in _PATCH_TYPES if kind != PatchType.STRATEGIC.value)

    def _parameter(self, name: str, type_: str, description: str) -> Tree:
        schema = {"type": type_, "uniqueItems": True}
        head = {"name": name, "in": "query", "description": description}
        return head | schema if self._version == 2 else head | {"schema": schema}

    def _path_parameters(self, named: bool, everywhere: bool) -> list[Tree]:
        wanted = []
        if named:
            wanted.append(("name", f"name of the {self._resource.kind}"))
        if self._resource.namespaced and not everywhere:
            wanted.append(("namespace", "object name and auth scope, such as for teams"))
        schema = {"type": "string", "uniqueItems": True}
        return [
            {"name": name, "in": "path", "description": text, "required": True}
            | (schema if self._version == 2 else {"schema": schema})
            for name, text in wanted
        ]
