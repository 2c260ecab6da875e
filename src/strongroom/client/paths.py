"""Where an object lives on a server: URL paths from a Resource."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

from strongroom.api.meta import Object
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)


def path_of(
    resource: Resource[T],
    namespace: str = "",
    name: str = "",
    subresource: str = "",
) -> str:
    """The path of a collection, an object or a subresource; each segment is escaped."""
    root = f"/apis/{resource.group}" if resource.group else "/api"
    segments = [resource.version]
    if resource.namespaced and namespace:
        segments += ["namespaces", namespace]
    segments.append(resource.plural)
    if name:
        segments.append(name)
    if subresource:
        segments.append(subresource)
    return "/".join([root, *(quote(s, safe="") for s in segments)])
