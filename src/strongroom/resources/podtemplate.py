"""PodTemplate: a description of pods under a name (used by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import Path
from strongroom.resources.columns import NAME
from strongroom.resources.label_selection import labels_text
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    default_template,
    template_errors,
    template_warnings,
)
from strongroom.resources.resource import Column, Resource

_TEMPLATE = Path("template")


class PodTemplate(Object):
    """A description of pods that others may use.

    Stored and validated; no controller of ours makes pods of it.
    """

    template: Annotated[PodTemplateSpec, F(2, "The pods that it describes.")] = msgspec.field(
        default_factory=PodTemplateSpec
    )


class PodTemplateResource(Resource[PodTemplate]):
    """The behaviour of PodTemplates."""

    def default(self, obj: PodTemplate) -> None:
        default_template(obj.template)

    def prepare_for_create(self, obj: PodTemplate, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(self, new: PodTemplate, old: PodTemplate, now: datetime) -> None:
        new.metadata.generation = old.metadata.generation + (new.template != old.template)

    def validate(self, obj: PodTemplate) -> list[FieldError]:
        return template_errors(obj.template, _TEMPLATE)

    def warnings(self, new: PodTemplate, old: PodTemplate | None) -> list[str]:
        if old is not None and new.metadata.generation == old.metadata.generation:
            return []
        return list(template_warnings(new.template, _TEMPLATE))


def _containers(attribute: str, obj: PodTemplate) -> str:
    return ",".join(getattr(c, attribute) for c in obj.template.spec.containers)


POD_TEMPLATES = PodTemplateResource(
    group="",
    version="v1",
    kind="PodTemplate",
    plural="podtemplates",
    singular="podtemplate",
    type=PodTemplate,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Containers",
            lambda obj, now: _containers("name", obj),
            description="Names of the containers.",
        ),
        Column(
            "Images",
            lambda obj, now: _containers("image", obj),
            description="Images of the containers.",
        ),
        Column(
            "Pod Labels",
            lambda obj, now: labels_text(obj.template.metadata.labels),
            description="Labels of the pods.",
        ),
    ),
)
