"""Where an object lives on a server: URL paths from what its kind is called."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote


class Located(Protocol):
    """What paths are made of: a Resource of ours, or a kind that a server told of."""

    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def plural(self) -> str: ...
    @property
    def namespaced(self) -> bool: ...


def path_of(
    resource: Located,
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
