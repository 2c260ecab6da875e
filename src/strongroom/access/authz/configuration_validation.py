"""Findings on an AuthorizationConfiguration (``ValidateAuthorizationConfiguration``).

The paths are upstream's, which leave ``webhook`` out: ``authorizers[0].timeout``.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path as File
from stat import S_ISREG

from strongroom.access.authz.configuration_types import (
    DENY,
    IN_CLUSTER,
    KUBECONFIG,
    NO_OPINION,
    AuthorizationConfiguration,
    AuthorizerConfiguration,
    ConnectionInfo,
    MatchCondition,
    WebhookConfiguration,
)
from strongroom.access.authz.matching import condition_error
from strongroom.access.authz.modes import OURS, WEBHOOK
from strongroom.api.durations import duration_text, parse_duration
from strongroom.api.validation import (
    FieldError,
    Path,
    dns_subdomain,
    duplicate,
    invalid_value,
    not_supported,
    required,
    too_many,
)

LONGEST = timedelta(seconds=30)
MOST_CONDITIONS = 64
_ABOVE_ZERO = "must be > 0s"


def configuration_errors(configuration: AuthorizationConfiguration) -> list[FieldError]:
    """All findings. Raises ValueError for a duration that is none."""
    root = Path("authorizers")
    if not configuration.authorizers:
        return [required(root, "at least one authorization mode must be defined")]
    errors: list[FieldError] = []
    types: set[str] = set()
    names: set[str] = set()
    for i, one in enumerate(configuration.authorizers):
        path = root.index(i)
        wrong = _type_errors(one, path, types)
        if wrong:
            errors += wrong
            continue
        types.add(one.type)
        errors += _name_errors(one, path, names)
        names.add(one.name)
        errors += _webhook_errors(one, path)
    return errors


def _type_errors(one: AuthorizerConfiguration, path: Path, seen: set[str]) -> list[FieldError]:
    if not one.type:
        return [required(path / "type")]
    if one.type not in OURS:
        return [not_supported(path / "type", one.type, sorted(OURS))]
    if one.type in seen and one.type != WEBHOOK:
        return [duplicate(path / "type", one.type)]
    return []


def _name_errors(one: AuthorizerConfiguration, path: Path, seen: set[str]) -> list[FieldError]:
    if not one.name:
        return [required(path / "name")]
    if one.name in seen:
        return [duplicate(path / "name", one.name)]
    wrong = dns_subdomain(one.name)
    if wrong:
        why = f"authorizer name is invalid: {', '.join(wrong)}"
        return [invalid_value(path / "name", one.name, why)]
    return []


def _webhook_errors(one: AuthorizerConfiguration, path: Path) -> list[FieldError]:
    if one.type != WEBHOOK:
        if one.webhook is None:
            return []
        why = "may only be specified when type=Webhook"
        return [invalid_value(path / "webhook", "non-null", why)]
    if one.webhook is None:
        return [required(path / "webhook", "required when type=Webhook")]
    webhook = one.webhook
    return [
        *_duration_errors(webhook, path),
        *_version_errors(webhook, path),
        *_policy_errors(webhook, path),
        *_connection_errors(webhook.connectionInfo, path / "connectionInfo"),
        *_condition_errors(webhook.matchConditions, path / "matchConditions"),
    ]


def _duration_errors(webhook: WebhookConfiguration, path: Path) -> list[FieldError]:
    errors = []
    timeout = parse_duration(webhook.timeout or "0")
    if not timeout:
        errors.append(required(path / "timeout"))
    elif not timedelta() < timeout <= LONGEST:
        why = f"{_ABOVE_ZERO} and <= {duration_text(LONGEST)}"
        errors.append(invalid_value(path / "timeout", duration_text(timeout), why))
    for name in ("authorizedTTL", "unauthorizedTTL"):
        # Zero stands for the default.
        lifetime = parse_duration(getattr(webhook, name) or "0")
        if lifetime < timedelta():
            errors.append(invalid_value(path / name, duration_text(lifetime), _ABOVE_ZERO))
    return errors


def _version_errors(webhook: WebhookConfiguration, path: Path) -> list[FieldError]:
    errors = []
    asked = path / "subjectAccessReviewVersion"
    if not webhook.subjectAccessReviewVersion:
        errors.append(required(asked))
    elif webhook.subjectAccessReviewVersion not in ("v1", "v1beta1"):
        errors.append(not_supported(asked, webhook.subjectAccessReviewVersion, ("v1", "v1beta1")))
    matched = path / "matchConditionSubjectAccessReviewVersion"
    if not webhook.matchConditionSubjectAccessReviewVersion:
        if webhook.matchConditions:
            errors.append(required(matched, "required if match conditions are specified"))
    elif webhook.matchConditionSubjectAccessReviewVersion != "v1":
        given = webhook.matchConditionSubjectAccessReviewVersion
        errors.append(not_supported(matched, given, ("v1",)))
    return errors


def _policy_errors(webhook: WebhookConfiguration, path: Path) -> list[FieldError]:
    if not webhook.failurePolicy:
        return [required(path / "failurePolicy")]
    if webhook.failurePolicy not in (NO_OPINION, DENY):
        supported = (NO_OPINION, DENY)
        return [not_supported(path / "failurePolicy", webhook.failurePolicy, supported)]
    return []


def _connection_errors(info: ConnectionInfo, path: Path) -> list[FieldError]:
    file = path / "kubeConfigFile"
    if not info.type:
        return [required(path / "type")]
    if info.type == IN_CLUSTER:
        if info.kubeConfigFile is None:
            return []
        why = "can only be set when type=KubeConfigFile"
        return [invalid_value(file, info.kubeConfigFile, why)]
    if info.type != KUBECONFIG:
        told = {"Type": info.type, "KubeConfigFile": info.kubeConfigFile}
        return [not_supported(path / "type", told, (IN_CLUSTER, KUBECONFIG))]
    if not info.kubeConfigFile:
        return [required(file)]
    why = _file_error(info.kubeConfigFile)
    return [invalid_value(file, info.kubeConfigFile, why)] if why else []


def _file_error(name: str) -> str:
    file = File(name)
    if not file.is_absolute():
        return "must be an absolute path"
    try:
        regular = S_ISREG(file.stat().st_mode)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "invalid argument"
        return f"error loading file: stat {name}: {reason.lower()}"
    return "" if regular else "must be a regular file"


def _condition_errors(conditions: list[MatchCondition], path: Path) -> list[FieldError]:
    if len(conditions) > MOST_CONDITIONS:
        return [too_many(path, len(conditions), MOST_CONDITIONS)]
    errors = []
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        where, text = path.index(i) / "expression", condition.expression
        if not text.strip():
            errors.append(required(where))
            continue
        if text in seen:
            errors.append(duplicate(where, text))
            continue
        seen.add(text)
        wrong = condition_error(text)
        if wrong is not None:
            errors.append(invalid_value(where, text, wrong))
    return errors
