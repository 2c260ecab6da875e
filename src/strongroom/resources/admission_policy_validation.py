"""The rules of policies and bindings (``pkg/apis/admissionregistration/validation``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_1035_label,
    dns_subdomain,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    path_segment,
    qualified_name,
    required,
)
from strongroom.resources.admission_policy import (
    ALLOW,
    AUDIT,
    DENY,
    WARN,
    AuditAnnotation,
    MatchResources,
    NamedRuleWithOperations,
    ParamKind,
    ParamRef,
    Validation,
    Variable,
)
from strongroom.resources.admission_rules import EQUIVALENT, EXACT, validate_rule
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.policy_programs import BOOL, STRING, STRING_OR_NULL, PolicyCompiler

MAX_ANNOTATIONS = 20
MAX_VALUE_EXPRESSION = 5 * 1024

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
_RESERVED = re.compile(
    r"(?:true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package"
    r"|namespace|return|var|void|while)\Z"
)


def param_kind_errors(kind: ParamKind, path: Path) -> list[FieldError]:
    """All findings on the kind of parameters."""
    errors = _api_version_errors(kind.apiVersion, path / "apiVersion")
    if not kind.kind:
        errors.append(required(path / "kind"))
    elif wrong := dns_1035_label(kind.kind.lower()):
        detail = "may have mixed case, but should otherwise match: " + ",".join(wrong)
        errors.append(invalid_value(path / "kind", kind.kind, detail))
    return errors


def _api_version_errors(text: str, path: Path) -> list[FieldError]:
    if not text:
        return [required(path)]
    if text != "/" and text.count("/") > 1:
        return [invalid_value(path, text, f"unexpected GroupVersion string: {text}")]
    group, _, version = text.rpartition("/")
    errors = []
    if group and (wrong := dns_subdomain(group)):
        errors.append(invalid_value(path, group, ",".join(wrong)))
    if not version:
        errors.append(invalid_value(path, text, "version must be specified"))
    elif wrong := dns_1035_label(version):
        errors.append(invalid_value(path, version, ",".join(wrong)))
    return errors


def match_errors(match: MatchResources | None, path: Path) -> list[FieldError]:
    """All findings on what requests are matched."""
    if match is None:
        return []
    errors = []
    if match.matchPolicy is None:
        errors.append(required(path / "matchPolicy"))
    elif match.matchPolicy not in (EQUIVALENT, EXACT):
        errors.append(not_supported(path / "matchPolicy", match.matchPolicy, (EQUIVALENT, EXACT)))
    for name in ("namespaceSelector", "objectSelector"):
        selector = getattr(match, name)
        if selector is None:
            errors.append(required(path / name))
        errors += label_selector_errors(selector, path / name)
    for name in ("resourceRules", "excludeResourceRules"):
        for i, rule in enumerate(getattr(match, name)):
            errors += _named_rule_errors(rule, (path / name).index(i))
    return errors


def _named_rule_errors(rule: NamedRuleWithOperations, path: Path) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for i, name in enumerate(rule.resourceNames):
        at = (path / "resourceNames").index(i)
        errors += [invalid_value(at, name, text) for text in path_segment(name)]
        if name in seen:
            errors.append(duplicate(at, name))
        seen.add(name)
    return errors + validate_rule(rule, path)


def variable_errors(variable: Variable, compiler: PolicyCompiler, path: Path) -> list[FieldError]:
    """All findings on a variable, which those after it may name."""
    errors = []
    if not variable.name.strip():
        errors.append(required(path / "name", "name is not specified"))
    elif not _IDENTIFIER.match(variable.name) or _RESERVED.match(variable.name):
        what = "name is not a valid CEL identifier"
        errors.append(invalid_value(path / "name", variable.name, what))
    if not variable.expression.strip():
        errors.append(required(path / "expression", "expression is not specified"))
    elif not errors and (wrong := compiler.variable_error(variable.name, variable.expression)):
        errors.append(invalid_value(path / "expression", variable.expression, wrong))
    return errors


def validation_errors(rule: Validation, compiler: PolicyCompiler, path: Path) -> list[FieldError]:
    """All findings on one of the validations."""
    errors = []
    if not rule.expression.strip():
        errors.append(required(path / "expression", "expression is not specified"))
    elif wrong := compiler.error(rule.expression, BOOL):
        errors.append(invalid_value(path / "expression", rule.expression, wrong))
    at, text = path / "messageExpression", rule.messageExpression
    if text and not text.strip():
        errors.append(invalid_value(at, text, "must be non-empty if specified"))
    elif text and (wrong := compiler.error(text, STRING, authorizer=False)):
        errors.append(invalid_value(at, text, wrong))
    errors += _message_errors(rule.message, path / "message")
    if rule.reason is not None and rule.reason not in _REASONS:
        errors.append(not_supported(path / "reason", rule.reason, _REASONS))
    return errors


def _message_errors(message: str, path: Path) -> list[FieldError]:
    if message and not message.strip():
        return [invalid_value(path, message, "message must be non-empty if specified")]
    if "\n" in message.strip() or "\r" in message.strip():
        return [invalid_value(path, message, "message must not contain line breaks")]
    return []


def annotation_errors(
    annotations: Sequence[AuditAnnotation], name: str, compiler: PolicyCompiler, path: Path
) -> list[FieldError]:
    """All findings on the audit annotations of a policy of this name."""
    errors = []
    if len(annotations) > MAX_ANNOTATIONS:
        what = f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"
        errors.append(invalid_value(path, list(annotations), what))
    seen: set[str] = set()
    for i, annotation in enumerate(annotations):
        at = path.index(i)
        errors += _annotation_errors(annotation, name, compiler, at)
        if annotation.key in seen:
            errors.append(duplicate(at / "key", annotation.key))
        seen.add(annotation.key)
    return errors


def _annotation_errors(
    annotation: AuditAnnotation, name: str, compiler: PolicyCompiler, path: Path
) -> list[FieldError]:
    whole = f"{name}/{annotation.key}"
    if name:
        errors = [invalid_value(path / "key", whole, text) for text in qualified_name(whole)]
    else:
        what = "requires metadata.name be non-empty"
        errors = [invalid_value(path / "key", annotation.key, what)]
    at, text = path / "valueExpression", annotation.valueExpression.strip()
    if not text:
        return [*errors, required(at, "valueExpression is not specified")]
    if len(text.encode()) > MAX_VALUE_EXPRESSION:
        return [*errors, required(at, f"must not exceed {MAX_VALUE_EXPRESSION} bytes in length")]
    if wrong := compiler.error(text, STRING_OR_NULL):
        errors.append(invalid_value(at, annotation.valueExpression, wrong))
    return errors


def param_ref_errors(ref: ParamRef | None, path: Path) -> list[FieldError]:
    """All findings on where a binding takes its parameters from."""
    if ref is None:
        return []
    both = "name and selector are mutually exclusive"
    errors = [
        invalid_value(path / "name", ref.name, text)
        for text in (path_segment(ref.name) if ref.name else ())
    ]
    if ref.name and ref.selector is not None:
        errors.append(forbidden_field(path / "name", both))
    errors += label_selector_errors(ref.selector, path / "selector")
    if ref.name and ref.selector is not None:
        errors.append(forbidden_field(path / "selector", both))
    if not ref.name and ref.selector is None:
        errors.append(required(path, "one of name or selector must be specified"))
    if not ref.parameterNotFoundAction:
        errors.append(required(path / "parameterNotFoundAction"))
    elif ref.parameterNotFoundAction not in (DENY, ALLOW):
        at = path / "parameterNotFoundAction"
        errors.append(not_supported(at, ref.parameterNotFoundAction, (DENY, ALLOW)))
    return errors


def action_errors(actions: Sequence[str], path: Path) -> list[FieldError]:
    """All findings on what a binding does with failures."""
    errors = []
    seen: set[str] = set()
    for i, action in enumerate(actions):
        if action not in (AUDIT, DENY, WARN):
            errors.append(not_supported(path.index(i), action, (AUDIT, DENY, WARN)))
        if action in seen:
            errors.append(duplicate(path.index(i), action))
        seen.add(action)
    if {DENY, WARN} <= seen:
        what = (
            "must not contain both Deny and Warn (repeating the same validation failure "
            "information in the API response and headers serves no purpose)"
        )
        errors.append(invalid_value(path, list(actions), what))
    if not seen:
        errors.append(required(path, "at least one validation action is required"))
    return errors
