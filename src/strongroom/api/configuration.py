"""Configuration files in the form of objects (``apiserver.config.k8s.io``), read as strictly as
upstream reads them: no field may be unknown, none may be there twice."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from strongroom.api import strict
from strongroom.api.codec import decode
from strongroom.api.errors import FieldError, StatusError
from strongroom.api.gotext import quote
from strongroom.api.schema import Struct

T = TypeVar("T", bound=Struct)

GROUP = "apiserver.config.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")


class ConfigurationError(Exception):
    """A configuration cannot be used. The text is for who wrote it, and may quote it."""

    holds_no_payload: ClassVar = True


def read_configuration(body: bytes, struct: type[T], kind: str) -> T:
    """The configuration in a file, YAML or JSON. Raises ConfigurationError.

    ``struct`` has the fields ``kind`` and ``apiVersion``. An empty file says nothing.
    """
    if not body.strip():
        return struct()
    try:
        found = decode(body, struct, yaml=True, kind=kind, version=f"{GROUP}/v1", find=True)
    except StatusError as error:
        raise ConfigurationError(error.message) from None
    obj = found.obj
    told, version = getattr(obj, "kind", ""), getattr(obj, "apiVersion", "")
    if not told or not version:
        missing = "apiVersion" if told else "kind"
        raise ConfigurationError(f"Object {quote(missing)} is missing in the configuration")
    if told != kind or version not in [f"{GROUP}/{v}" for v in VERSIONS]:
        raise ConfigurationError(
            f"no kind {quote(told)} is registered for version {quote(version)}; expected {kind} in "
            f"version {GROUP}/v1"
        )
    if found.findings:
        raise ConfigurationError(strict.strict_error(found.findings))
    return obj


def findings_error(errors: list[FieldError]) -> ConfigurationError:
    """All findings as one error, as upstream aggregates them."""
    texts = list(dict.fromkeys(map(str, errors)))
    return ConfigurationError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
