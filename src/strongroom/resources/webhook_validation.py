"""The rules of webhooks (``pkg/apis/admissionregistration/validation``, ``pkg/util/webhook``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.validation import (
    Path,
    dns_1035_label,
    dns_subdomain,
    duplicate,
    invalid_value,
    not_supported,
    port_number,
    required,
)
from strongroom.resources.admission_rules import (
    EQUIVALENT,
    EXACT,
    FAIL,
    IGNORE,
    validate_match_conditions,
    validate_rule,
)
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.webhook import (
    IF_NEEDED,
    NEVER,
    NONE,
    NONE_ON_DRY_RUN,
    AnyWebhook,
    MutatingWebhook,
    ServiceReference,
    WebhookClientConfig,
)

REVIEW_VERSIONS = ("v1", "v1beta1")
_FORM = "; desired format: https://host[/path]"
_POLICIES = (FAIL, IGNORE)
_MATCHES = (EQUIVALENT, EXACT)
_SIDE_EFFECTS = (NONE, NONE_ON_DRY_RUN)

CompileError = Callable[[str], str | None]


def validate_webhooks(
    webhooks: Sequence[AnyWebhook], path: Path, compile_error: CompileError
) -> list[FieldError]:
    """All findings; ``compile_error`` says what is wrong with a CEL expression."""
    errors = []
    names: set[str] = set()
    for i, webhook in enumerate(webhooks):
        at = path.index(i)
        errors += _webhook_errors(webhook, at)
        conditions = webhook.matchConditions
        errors += validate_match_conditions(conditions, at / "matchConditions", compile_error)
        versions = webhook.admissionReviewVersions
        errors += _version_errors(versions, at / "admissionReviewVersions")
        if webhook.name in names:
            errors.append(duplicate(at / "name", webhook.name))
        elif webhook.name:
            names.add(webhook.name)
    return errors


def _webhook_errors(webhook: AnyWebhook, path: Path) -> list[FieldError]:
    errors = _name_errors(webhook.name, path / "name")
    for i, rule in enumerate(webhook.rules):
        errors += validate_rule(rule, (path / "rules").index(i))
    errors += _choice(webhook.failurePolicy, _POLICIES, path / "failurePolicy")
    errors += _choice(webhook.matchPolicy, _MATCHES, path / "matchPolicy")
    if webhook.sideEffects is None:
        detail = f"must specify one of {', '.join(_SIDE_EFFECTS)}"
        errors.append(required(path / "sideEffects", detail))
    errors += _choice(webhook.sideEffects, _SIDE_EFFECTS, path / "sideEffects")
    seconds = webhook.timeoutSeconds
    if seconds is not None and not 1 <= seconds <= 30:
        detail = "the timeout value must be between 1 and 30 seconds"
        errors.append(invalid_value(path / "timeoutSeconds", seconds, detail))
    errors += label_selector_errors(webhook.namespaceSelector, path / "namespaceSelector")
    errors += label_selector_errors(webhook.objectSelector, path / "objectSelector")
    if isinstance(webhook, MutatingWebhook):
        policy = webhook.reinvocationPolicy
        errors += _choice(policy, (IF_NEEDED, NEVER), path / "reinvocationPolicy")
    return errors + client_config_errors(webhook.clientConfig, path / "clientConfig")


def _choice(value: str | None, supported: tuple[str, ...], path: Path) -> list[FieldError]:
    return [] if value is None or value in supported else [not_supported(path, value, supported)]


def _name_errors(name: str, path: Path) -> list[FieldError]:
    if not name:
        return [required(path)]
    if wrong := dns_subdomain(name):
        return [invalid_value(path, name, ",".join(wrong))]
    if name.count(".") < 2:
        detail = "should be a domain with at least three segments separated by dots"
        return [invalid_value(path, name, detail)]
    return []


def _version_errors(versions: Sequence[str], path: Path) -> list[FieldError]:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        return [required(path, f"must specify one of {known}")]
    errors = []
    for i, version in enumerate(versions):
        if version in versions[:i]:
            errors.append(invalid_value(path.index(i), version, "duplicate version"))
            continue
        wrong = dns_1035_label(version)
        errors += [invalid_value(path.index(i), version, message) for message in wrong]
    if not set(REVIEW_VERSIONS) & set(versions):
        detail = f"must include at least one of {known}"
        errors.append(invalid_value(path, list(versions), detail))
    return errors


def client_config_errors(config: WebhookClientConfig, path: Path) -> list[FieldError]:
    """All findings on how a webhook is reached."""
    if (config.url is None) == (config.service is None):
        return [required(path, "exactly one of url or service is required")]
    if config.url is not None:
        return _url_errors(config.url, path / "url")
    return _service_errors(config.service, path / "service") if config.service else []


def _url_errors(url: str, path: Path) -> list[FieldError]:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        _ = parts.port  # reading it judges it
        if any(ord(c) < 0x20 or ord(c) == 0x7F for c in url):
            raise ValueError("net/url: invalid control character in URL")
    except ValueError as error:
        detail = f"url must be a valid URL: parse {quote(url)}: {error}{_FORM}"
        return [required(path, detail)]
    errors = []
    if parts.scheme != "https":
        detail = "'https' is the only allowed URL scheme" + _FORM
        errors.append(invalid_value(path, parts.scheme, detail))
    if not host:
        errors.append(invalid_value(path, "", "host must be specified" + _FORM))
    if "@" in parts.netloc:
        # The password is not told, though upstream does.
        user = (parts.username or "") + (":xxxxx" if parts.password is not None else "")
        errors.append(invalid_value(path, user, "user information is not permitted in the URL"))
    for text, what in ((parts.fragment, "fragments"), (parts.query, "query parameters")):
        if text:
            errors.append(invalid_value(path, text, f"{what} are not permitted in the URL"))
    return errors


def _service_errors(service: ServiceReference, path: Path) -> list[FieldError]:
    errors = []
    # Upstream hands the two over in the other order, so the findings' fields are swapped.
    if not service.namespace:
        errors.append(required(path / "name"))
    if not service.name:
        errors.append(required(path / "namespace"))
    port = service.port or 0
    if wrong := port_number(port):
        detail = "port is not valid: " + ", ".join(wrong)
        errors.append(invalid_value(path / "port", port, detail))
    return errors + _path_errors(service.path or "", path / "path")


def _path_errors(text: str, path: Path) -> list[FieldError]:
    if text in ("", "/"):
        return []
    if text == "//":
        return [invalid_value(path, text, "segment[0] may not be empty")]
    errors = []
    if not text.startswith("/"):
        errors.append(invalid_value(path, text, "must start with a '/'"))
    for i, step in enumerate(text[1:].removesuffix("/").split("/")):
        if not step:
            errors.append(invalid_value(path, text, f"segment[{i}] may not be empty"))
            continue
        wrong = dns_subdomain(step)
        errors += [invalid_value(path, text, f"segment[{i}]: {message}") for message in wrong]
    return errors
