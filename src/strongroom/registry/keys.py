"""The storage key of an object that a request names."""

from __future__ import annotations

from typing import Any

from strongroom.api.errors import bad_request
from strongroom.api.gotext import quote
from strongroom.api.validation import path_segment
from strongroom.resources.resource import Resource


def object_key(resource: Resource[Any], namespace: str, name: str) -> str:
    """The key, which never lies outside the namespace.

    Raises StatusError 400 for names that cannot be: a slash in a name would reach into another
    namespace's keys.
    """
    if resource.namespaced and not namespace:
        raise bad_request("Namespace parameter required.")
    if not name:
        raise bad_request("Name parameter required.")
    if wrong := path_segment(name):
        raise bad_request(f"Name parameter invalid: {quote(name)}: {';'.join(wrong)}")
    if wrong := path_segment(namespace):
        raise bad_request(f"Namespace parameter invalid: {quote(namespace)}: {';'.join(wrong)}")
    return resource.key(namespace, name)
