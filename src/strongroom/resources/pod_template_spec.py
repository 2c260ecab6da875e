"""The pods that a controller makes, as its object describes them; how that is filled in and judged.

Upstream: ``SetDefaults_PodSpec`` and ``ValidatePodTemplateSpec``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector, ObjectMeta
from strongroom.api.schema import F, Struct
from strongroom.api.validation import (
    Path,
    forbidden_field,
    invalid_value,
    validate_annotations,
    validate_labels,
)
from strongroom.resources.label_selection import selection
from strongroom.resources.pod_defaults import default_pod_spec
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.pod_validation import mirror_errors, pod_spec_errors
from strongroom.resources.pod_warnings import pod_spec_warnings
from strongroom.resources.quantity import canonicalize_quantities


class PodTemplateSpec(Struct):
    """Pods as they are to be made."""

    metadata: Annotated[ObjectMeta, F(1, "Labels and annotations of the pods.")] = msgspec.field(
        default_factory=ObjectMeta
    )
    spec: Annotated[PodSpec, F(2, "What the pods are to be.")] = msgspec.field(
        default_factory=PodSpec
    )


def default_template(template: PodTemplateSpec) -> None:
    """Fill in what has a default in templates: less than in pods, which get the rest when made."""
    canonicalize_quantities(template)
    default_pod_spec(template.spec)


def template_errors(template: PodTemplateSpec, path: Path) -> list[FieldError]:
    """All findings on a template."""
    meta, spec = template.metadata, template.spec
    annotations = path / "annotations"
    # Upstream reports these beside metadata, not in it.
    errors = validate_labels(meta.labels, path / "labels")
    errors += validate_annotations(meta.annotations, annotations)
    errors += mirror_errors(meta.annotations, spec, annotations)
    errors += pod_spec_errors(spec, path / "spec", template=True)
    if spec.ephemeralContainers:
        where = path / "spec" / "ephemeralContainers"
        errors.append(forbidden_field(where, "ephemeral containers not allowed in pod template"))
    return errors


def selected_errors(
    selector: LabelSelector | None, template: PodTemplateSpec, path: Path
) -> list[FieldError]:
    """A finding when the selector would not select the pods of the template at ``path``.

    No selector selects nothing; one without a known operator is found wrong elsewhere.
    """
    selected, labels = selection(selector) if selector else None, template.metadata.labels
    if selector is not None and (selected is None or selected.matches(labels)):
        return []
    where = path / "metadata" / "labels"
    return [invalid_value(where, labels, "`selector` does not match template `labels`")]


def template_warnings(new: PodTemplateSpec, path: Path) -> Iterable[str]:
    """What the writer of a template should know."""
    return pod_spec_warnings(new.spec, path / "spec")
