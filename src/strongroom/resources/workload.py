"""What the kinds that make pods of a template share: conditions, columns, scale, rules.

Upstream: ``pkg/apis/apps/validation``, ``pkg/printers/internalversion``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    dns_label,
    forbidden_field,
    invalid_value,
    non_negative,
    not_supported,
    regex_text,
    required,
)
from strongroom.resources.label_selection import is_empty, selection, selector_text
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    selected_errors,
    template_errors,
    template_warnings,
)
from strongroom.resources.resource import Column, Subresource
from strongroom.resources.scale import Scale, scale_of, scale_subresource

_ABOVE_REPLICAS = "cannot be greater than status.replicas"
_ABOVE_READY = "cannot be greater than readyReplicas"
_PERCENT = re.compile(r"[0-9]+%")
_NO_PERCENT = regex_text(
    "a valid percent string must be a numeric string followed by an ending '%'",
    "[0-9]+%",
    "1%",
    "93%",
)
_NO_LABEL = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
    "behavior; a DNS label is recommended: "
)


class WorkloadCondition(Struct):
    """One aspect of the state of something that makes pods."""

    type: Annotated[str, F(1, "The aspect, in CamelCase.")] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.")] = always(str)
    lastTransitionTime: Annotated[
        str, F(3, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(4, "Why it last changed, for programs.")] = ""
    message: Annotated[str, F(5, "The same for people.")] = ""


Get = Callable[[Any], PodTemplateSpec | None]


def keep_spec(new: Any, old: Any) -> Any:
    """What a ``status`` subresource may not change."""
    new.spec = old.spec
    return new


def keep_status(new: Any, old: Any, *, annotations: bool = False) -> None:
    """An update of the whole changes no status, and counts a changed spec as a generation."""
    new.status = old.status
    changed = new.spec != old.spec
    if annotations:
        changed = changed or new.metadata.annotations != old.metadata.annotations
    new.metadata.generation = old.metadata.generation + changed


# --- columns ------------------------------------------------------------------------------------


def container_columns(get: Get) -> tuple[Column[Any], ...]:
    """Names and images of a template's containers, with ``-o wide``."""
    return (
        Column(
            "Containers",
            lambda obj, now: _joined(get(obj), "name"),
            description="Names of the containers.",
            priority=1,
        ),
        Column(
            "Images",
            lambda obj, now: _joined(get(obj), "image"),
            description="Images of the containers.",
            priority=1,
        ),
    )


def selector_column(get: Callable[[Any], LabelSelector | None]) -> Column[Any]:
    """The selector of the pods, with ``-o wide``."""
    return Column(
        "Selector",
        lambda obj, now: selector_text(get(obj)),
        description="Label selector of the pods.",
        priority=1,
    )


def count_column(name: str, get: Callable[[Any], int | None], description: str) -> Column[Any]:
    """A number of pods."""
    return Column(name, lambda obj, now: get(obj) or 0, type="integer", description=description)


def _joined(template: PodTemplateSpec | None, attribute: str) -> str:
    containers = template.spec.containers if template else []
    return ",".join(getattr(container, attribute) for container in containers)


# --- scale --------------------------------------------------------------------------------------


def replica_scale(
    selector: Callable[[Any], str] = lambda obj: _selector_parameter(obj.spec.selector),
) -> Subresource[Any]:
    """The ``scale`` of a kind with ``spec.replicas``; ``selector`` tells how its pods are found."""

    def read(obj: Any) -> Scale:
        wanted = obj.spec.replicas or 0
        return scale_of(obj, wanted=wanted, found=obj.status.replicas, selector=selector(obj))

    def write(obj: Any, replicas: int) -> None:
        obj.spec.replicas = replicas

    return scale_subresource(read, write)


def _selector_parameter(selector: LabelSelector | None) -> str:
    """A selector as a Scale holds it: in the form of a query parameter."""
    selected = selection(selector) if selector else None
    return str(selected) if selected else ""


# --- rules --------------------------------------------------------------------------------------


def numbers(obj: Any, names: Iterable[str], path: Path) -> list[FieldError]:
    """A finding for each number below zero; unset ones are none."""
    errors: list[FieldError] = []
    for name in names:
        value = getattr(obj, name)
        if value is not None:
            errors += non_negative(value, path / name)
    return errors


def order_errors(
    status: Any, parts: Iterable[str], above_ready: str = _ABOVE_READY
) -> list[FieldError]:
    """A part of the pods is not more than all of them, and none is available that is not ready."""
    errors = _above(status, parts, status.replicas, _ABOVE_REPLICAS)
    return errors + _above(status, ("availableReplicas",), status.readyReplicas, above_ready)


def _above(status: Any, names: Iterable[str], limit: int, detail: str) -> list[FieldError]:
    path = Path("status")
    return [
        invalid_value(path / name, getattr(status, name), detail)
        for name in names
        if getattr(status, name) > limit
    ]


def not_decremented(new: Any, old: Any) -> list[FieldError]:
    """Collisions of names are counted upwards only."""
    if old.collisionCount is None:
        return []
    value = new.collisionCount or 0
    if new.collisionCount is not None and value >= old.collisionCount:
        return []
    return [invalid_value(Path("status") / "collisionCount", value, "cannot be decremented")]


def share_errors(value: int | str | None, path: Path) -> list[FieldError]:
    """A number of pods is not negative, a share of them a percentage."""
    if isinstance(value, str):
        return [] if _PERCENT.fullmatch(value) else [invalid_value(path, value, _NO_PERCENT)]
    return non_negative(value or 0, path)


def percentage_errors(value: int | str | None, path: Path) -> list[FieldError]:
    """A share of pods is not more than all of them."""
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        return [invalid_value(path, value, "must not be greater than 100%")]
    return []


def share(value: int | str | None) -> int:
    """The number in a number or a percentage; 0 where there is none."""
    if isinstance(value, str):
        return int(value[:-1]) if _PERCENT.fullmatch(value) else 0
    return value or 0


def selector_errors(selector: LabelSelector | None, path: Path, kind: str) -> list[FieldError]:
    """A selector must be given, be well-formed, and not select everything."""
    if selector is None:
        return [required(path)]
    errors = label_selector_errors(selector, path)
    if is_empty(selector):
        errors.append(invalid_value(path, selector, f"empty selector is {kind}"))
    return errors


def endless_errors(template: PodTemplateSpec, path: Path) -> list[FieldError]:
    """The template's pods must be restarted whenever they end."""
    policy = template.spec.restartPolicy
    if policy == "Always":
        return []
    return [not_supported(path / "spec" / "restartPolicy", policy, ("Always",))]


def deadline_errors(template: PodTemplateSpec, path: Path, kind: str) -> list[FieldError]:
    """The template's pods must have no deadline."""
    if template.spec.activeDeadlineSeconds is None:
        return []
    where = path / "spec" / "activeDeadlineSeconds"
    return [forbidden_field(where, f"activeDeadlineSeconds in {kind} is not Supported")]


def replicated_template_errors(
    selector: LabelSelector | None, template: PodTemplateSpec, path: Path
) -> list[FieldError]:
    """The rules of templates of Deployments and ReplicaSets."""
    errors = selected_errors(selector, template, path)
    errors += template_errors(template, path)
    errors += endless_errors(template, path)
    return errors + deadline_errors(template, path, "ReplicaSet")


# --- warnings -----------------------------------------------------------------------------------


def workload_warnings(
    new: Any, old: Any | None, template: PodTemplateSpec | None, path: Path, *, name: bool = True
) -> list[str]:
    """What the writer should know: of the name when it is new, of the template when it changes."""
    found: list[str] = []
    if old is None and name and (messages := dns_label(new.metadata.name)):
        found.append(f"{_NO_LABEL}[{' '.join(messages)}]")
    if template and (old is None or new.metadata.generation != old.metadata.generation):
        found += template_warnings(template, path)
    return found
