"""The rules of definitions (``apiextensions/validation/validation.go``).

Upstream judges a definition in an older form, in which what is the same in all versions stands
once, in the spec itself. Clients know the paths of that form (``spec.validation.openAPIV3Schema``),
so findings have them here too.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from strongroom.api.codec import to_tree
from strongroom.api.errors import FieldError
from strongroom.api.structural import Structural, parse
from strongroom.api.validation import (
    Path,
    dns_1035_label,
    dns_subdomain,
    forbidden_field,
    immutable_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.crd_names import required_names, validate_approval, validate_names
from strongroom.resources.crd_object import (
    CLUSTER,
    ESTABLISHED,
    NAMESPACED,
    NONE,
    WEBHOOK,
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion,
    CustomResourceValidation,
    is_true,
)
from strongroom.resources.crd_parts import (
    validate_column,
    validate_selectable_fields,
    validate_subresources,
)

_SPEC = Path("spec")

_STORED_BY_GROUP = ("apiextensions.k8s.io", "apiregistration.k8s.io")
"""Groups of the server's own kinds that are stored under their group, as custom kinds are: a
definition there could be one of definitions themselves, with other rules."""

_NO_WEBHOOKS = (
    "conversion webhooks are not called by this server: serve versions that need no conversion, "
    "and set None"
)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all versions have in common, so that it is judged once, at the spec."""

    schema: bool
    subresources: bool
    columns: bool
    selectable: bool


def validate_crd(crd: CustomResourceDefinition) -> list[FieldError]:
    """What is wrong with a new definition, its metadata excepted."""
    return _judge(crd, None)


def validate_crd_update(
    new: CustomResourceDefinition, old: CustomResourceDefinition
) -> list[FieldError]:
    """What is wrong with a change of a definition."""
    errors = _judge(new, old)
    if is_true(old, ESTABLISHED):
        # Objects are stored by these.
        errors += immutable_field(new.spec.scope, old.spec.scope, _SPEC / "scope")
        names = _SPEC / "names"
        errors += immutable_field(new.spec.names.kind, old.spec.names.kind, names / "kind")
    errors += immutable_field(new.spec.group, old.spec.group, _SPEC / "group")
    plural = _SPEC / "names" / "plural"
    return errors + immutable_field(new.spec.names.plural, old.spec.names.plural, plural)


def _judge(crd: CustomResourceDefinition, old: CustomResourceDefinition | None) -> list[FieldError]:
    spec = crd.spec
    errors = _group(spec.group) + _scope(spec.scope)
    errors += _versions(spec, old.spec if old is not None else None)
    errors += required_names(spec.names, _SPEC / "names")
    errors += validate_names(spec.names, _SPEC / "names")
    errors += _conversion(spec.conversion, _SPEC / "conversion")
    errors += validate_names(crd.status.acceptedNames, Path("status") / "acceptedNames")
    errors += _stored_versions(crd)
    errors += validate_approval(crd, old)
    if spec.preserveUnknownFields:
        detail = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead"
        )
        errors.append(invalid_value(_SPEC / "preserveUnknownFields", True, detail))
    return errors


def _group(group: str) -> list[FieldError]:
    path = _SPEC / "group"
    if not group:
        return [required(path)]
    if found := dns_subdomain(group):
        return [invalid_value(path, group, ",".join(found))]
    if "." not in group:
        return [invalid_value(path, group, "should be a domain with at least one dot")]
    if group in _STORED_BY_GROUP:
        return [forbidden_field(path, "the group is the server's own")]
    return []


def _scope(scope: str) -> list[FieldError]:
    if not scope:
        return [required(_SPEC / "scope")]
    if scope not in (CLUSTER, NAMESPACED):
        return [not_supported(_SPEC / "scope", scope, (CLUSTER, NAMESPACED))]
    return []


def _versions(
    spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | None
) -> list[FieldError]:
    path, versions = _SPEC / "versions", spec.versions
    names = [version.name for version in versions]
    shared = _shared(versions)
    before = {v.name: v.schema for v in old.versions} if old is not None else {}
    errors = [
        required(path.index(i) / "schema" / "openAPIV3Schema")
        for i, version in enumerate(versions)
        if version.schema is None or version.schema.openAPIV3Schema is None
    ]
    for i, version in enumerate(versions):
        where = path.index(i)
        if found := dns_1035_label(version.name):
            errors.append(invalid_value(where / "name", version.name, ",".join(found)))
        errors += _version(version, where, shared, first=not i, known=before.get(version.name))
    if len(set(names)) < len(names):
        errors.append(invalid_value(path, names, "must contain unique version names"))
    if sum(version.storage for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        errors.append(invalid_value(path, names, detail))
    return errors


def _shared(versions: list[CustomResourceDefinitionVersion]) -> _Shared:
    def same(field: str) -> bool:
        return all(getattr(v, field) == getattr(versions[0], field) for v in versions[1:])

    return _Shared(
        schema=same("schema"),
        subresources=same("subresources"),
        columns=same("additionalPrinterColumns"),
        selectable=same("selectableFields"),
    )


def _version(
    version: CustomResourceDefinitionVersion,
    path: Path,
    shared: _Shared,
    *,
    first: bool,
    known: CustomResourceValidation | None,
) -> list[FieldError]:
    errors = _deprecation(version, path / "deprecationWarning")
    structural: Structural | None = None
    unchanged = known is not None and known == version.schema
    if first or not shared.schema:
        where = _SPEC / "validation" if shared.schema else path / "schema"
        structural, found = _schema(version, where / "openAPIV3Schema")
        # What was accepted once stays: a later version of ours may judge more strictly.
        errors += [] if unchanged else found
    if version.subresources and (first or not shared.subresources):
        where = _SPEC / "subresources" if shared.subresources else path / "subresources"
        errors += validate_subresources(version.subresources, where)
    if first or not shared.columns:
        where = (_SPEC if shared.columns else path) / "additionalPrinterColumns"
        for i, column in enumerate(version.additionalPrinterColumns):
            errors += validate_column(column, where.index(i))
    if version.selectableFields and (first or not (shared.selectable and shared.schema)):
        where = (_SPEC if shared.selectable else path) / "selectableFields"
        errors += validate_selectable_fields(version.selectableFields, structural, where)
    return errors


def _deprecation(version: CustomResourceDefinitionVersion, path: Path) -> list[FieldError]:
    text = version.deprecationWarning
    if text is None:
        return []
    if not version.deprecated:
        return [invalid_value(path, text, "can only be set for deprecated versions")]
    found = []
    if len(text.encode()) > 256:
        found.append("must be <= 256 characters long")
    if not text:
        found.append("must not be an empty string")
    at = 0
    for character in text:
        if not _is_print(character):
            found.append(
                "must only contain printable UTF-8 characters; "
                f"non-printable character found at index {at}"
            )
            break
        at += len(character.encode())
    return [invalid_value(path, text, detail) for detail in found]


def _is_print(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] in "LMNPS"


def _schema(
    version: CustomResourceDefinitionVersion, path: Path
) -> tuple[Structural | None, list[FieldError]]:
    schema = version.schema.openAPIV3Schema if version.schema is not None else None
    if schema is None:
        return None, []
    status = version.subresources is not None and version.subresources.status is not None
    return parse(to_tree(schema), path, status=status)


def _conversion(conversion: CustomResourceConversion | None, path: Path) -> list[FieldError]:
    if conversion is None:
        return []
    strategy, where = conversion.strategy, path / "strategy"
    if not strategy:
        return [required(where)]
    if strategy == WEBHOOK:
        return [invalid_value(where, strategy, _NO_WEBHOOKS)]
    if strategy != NONE:
        return [not_supported(where, strategy, (NONE, WEBHOOK))]
    if conversion.webhook is None:
        return []
    detail = "should not be set when strategy is not set to Webhook"
    errors = []
    if conversion.webhook.clientConfig is not None:
        errors.append(forbidden_field(path / "webhookClientConfig", detail))
    if conversion.webhook.conversionReviewVersions:
        errors.append(forbidden_field(path / "conversionReviewVersions", detail))
    return errors


def _stored_versions(crd: CustomResourceDefinition) -> list[FieldError]:
    path = Path("status") / "storedVersions"
    stored, versions = crd.status.storedVersions, crd.spec.versions
    if not stored:
        return [invalid_value(path, stored, "must have at least one stored version")]
    errors = [
        invalid_value(path, stored, f"must have the storage version {version.name}")
        for version in versions
        if version.storage and version.name not in stored
    ]
    names = {version.name for version in versions}
    for i, name in enumerate(stored):
        if name not in names:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must "
                "remain in spec.versions until a storage migration ensures no data remains "
                f"persisted in {name} and removes {name} from status.storedVersions"
            )
            errors.append(invalid_value(path.index(i), name, detail))
    return errors
