"""Configuration files: objects in YAML or JSON that are read from a file and never stored.

EncryptionConfiguration, AuthenticationConfiguration, audit Policy and our own. What is wrong is
told in upstream's words (``k8s.io/apimachinery/pkg/runtime/serializer``); an unknown field is an
error, since a setting that nobody reads is one that somebody relies on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, TypeVar

from strongroom.api import strict
from strongroom.api.errors import FieldError
from strongroom.api.lenient import UnreadableError, read
from strongroom.api.schema import F, Struct


class Configuration(Struct):
    """Says what it is."""

    kind: Annotated[str, F(0, "The name of the Struct.")] = ""
    apiVersion: Annotated[str, F(0, "GROUP/VERSION.")] = ""


T = TypeVar("T", bound=Configuration)


class BadConfiguration(ValueError):
    """A configuration cannot be used. The text says why, and quotes nothing of the content."""

    holds_no_payload: ClassVar = True


def read_configuration(content: bytes, of: type[T], api_versions: Collection[str]) -> T:
    """What a file says; whether it makes sense is for others to judge. Raises BadConfiguration.

    The kind is that of the Struct's name; of the ``api_versions`` the first is told as expected.
    """
    from strongroom.api import yaml_text

    kind = of.__name__
    if not content:
        raise BadConfiguration("the file is empty")
    try:
        tree, findings = yaml_text.load(content)
        if not isinstance(tree, dict):
            raise BadConfiguration(f"couldn't get version/kind; expected {kind}")
        found = read(tree, of)
    except (yaml_text.YAMLError, UnreadableError) as error:
        raise BadConfiguration(str(error)) from None
    for name, value in (("Kind", found.kind), ("apiVersion", found.apiVersion)):
        if not value:
            raise BadConfiguration(f"Object '{name}' is missing")
    if found.kind != kind or found.apiVersion not in api_versions:
        raise BadConfiguration(
            f'no kind "{found.kind}" is registered for version "{found.apiVersion}": '
            f"expected {kind} of {next(iter(api_versions))}"
        )
    findings += strict.find_unknown(tree, of)
    if findings:
        raise BadConfiguration(strict.strict_error(findings))
    return found


def refuse(errors: Sequence[FieldError]) -> None:
    """Raise BadConfiguration if there are any errors, as upstream joins them."""
    told = [str(error) for error in errors]
    if told:
        raise BadConfiguration(told[0] if len(told) == 1 else f"[{', '.join(told)}]")
