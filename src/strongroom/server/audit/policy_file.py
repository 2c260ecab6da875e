"""``audit.k8s.io/v1`` Policy files: what may stand in them, and what is wrong with one.

Paths and words of errors are upstream's (``pkg/apis/audit/validation``). Unlike there, a field that
nobody knows is an error and no warning: a rule without a misspelt ``resources`` matches everything.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from strongroom.api.audit import PANIC, REQUEST_RECEIVED, RESPONSE_COMPLETE, RESPONSE_STARTED
from strongroom.api.configuration import (
    BadConfiguration,
    Configuration,
    read_configuration,
    refuse,
)
from strongroom.api.errors import FieldError
from strongroom.api.meta import ObjectMeta
from strongroom.api.names import dns_subdomain
from strongroom.api.schema import F, Struct
from strongroom.api.validation import Path, invalid_value, not_supported, required
from strongroom.server.reloading import BadFile

API_VERSION = "audit.k8s.io/v1"
_LEVELS = ("None", "Metadata", "Request", "RequestResponse")
_STAGES = (REQUEST_RECEIVED, RESPONSE_STARTED, RESPONSE_COMPLETE, PANIC)


class GroupResources(Struct):
    """Resources of an API group."""

    group: Annotated[str, F(1, 'The group; "" is the core group, * all of them.')] = ""
    resources: Annotated[
        list[str], F(2, "Plural names, with a subresource as pods/log; none: all.")
    ] = []
    resourceNames: Annotated[list[str], F(3, "Names of objects; none: all.")] = []


class PolicyRule(Struct):
    """At which level, and at which stages, what matches is recorded."""

    level: Annotated[str, F(1, "None, Metadata, Request or RequestResponse.")] = ""
    users: Annotated[list[str], F(2, "Names of users; none: all.")] = []
    userGroups: Annotated[list[str], F(3, "Groups, one of which the user is in; none: all.")] = []
    verbs: Annotated[list[str], F(4, "Verbs; none: all.")] = []
    resources: Annotated[list[GroupResources], F(5, "Resources; none: all.")] = []
    namespaces: Annotated[
        list[str], F(6, 'Namespaces; "" is that of what has none; no entry: all.')
    ] = []
    nonResourceURLs: Annotated[list[str], F(7, "Paths that are no resources.")] = []
    omitStages: Annotated[list[str], F(8, "Stages that are not recorded.")] = []
    omitManagedFields: Annotated[
        bool | None, F(9, "Whether bodies are told without managed fields.")
    ] = None


class Policy(Configuration):
    """Rules, of which the first that matches a request decides."""

    metadata: Annotated[ObjectMeta | None, F(1, "Has no meaning here.")] = None
    rules: Annotated[list[PolicyRule], F(2, "The rules, in their order.")] = []
    omitStages: Annotated[list[str], F(3, "Stages that no rule records.")] = []
    omitManagedFields: Annotated[
        bool, F(4, "Whether bodies are told without managed fields, where no rule says.")
    ] = False


def load_policy(path: FilePath) -> Policy:
    """Read a policy from a file. Raises BadFile."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(
            f'loading audit policy file: failed to read file path "{path}": {error.strerror}'
        ) from error
    try:
        return read_policy(content)
    except BadConfiguration as error:
        raise BadFile(f"loading audit policy file: {error}: from file {path}") from None


def read_policy(content: bytes) -> Policy:
    """Read a policy from YAML or JSON. Raises BadConfiguration."""
    try:
        policy = read_configuration(content, Policy, (API_VERSION,))
    except BadConfiguration as error:
        raise BadConfiguration(f"failed decoding: {error}") from None
    refuse(validate_policy(policy))
    if not policy.rules:
        raise BadConfiguration("loaded illegal policy with 0 rules")
    return policy


def validate_policy(policy: Policy) -> list[FieldError]:
    """What is wrong with a policy."""
    errors = _stage_errors(policy.omitStages, Path("omitStages"))
    rules = Path("rules")
    for i, rule in enumerate(policy.rules):
        errors += _rule_errors(rule, rules.index(i))
    return errors


def _rule_errors(rule: PolicyRule, path: Path) -> list[FieldError]:
    errors = []
    if not rule.level:
        errors.append(required(path / "level"))
    elif rule.level not in _LEVELS:
        errors.append(not_supported(path / "level", rule.level, _LEVELS))
    urls = path / "nonResourceURLs"
    errors += _url_errors(rule.nonResourceURLs, urls)
    errors += _resource_errors(rule.resources, path / "resources")
    errors += _stage_errors(rule.omitStages, path / "omitStages")
    if rule.nonResourceURLs and (rule.resources or rule.namespaces):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid_value(urls, rule.nonResourceURLs, why))
    return errors


def _url_errors(urls: list[str], path: Path) -> list[FieldError]:
    errors = []
    for i, url in enumerate(urls):
        if url == "*":
            continue
        if not url.startswith("/"):
            why = "non-resource URL rules must begin with a '/' character"
            errors.append(invalid_value(path.index(i), url, why))
        if "*" in url[:-1]:
            why = "non-resource URL wildcards '*' must be the final character of the rule"
            errors.append(invalid_value(path.index(i), url, why))
    return errors


def _resource_errors(entries: list[GroupResources], path: Path) -> list[FieldError]:
    # Upstream's paths tell no index here.
    errors = []
    for entry in entries:
        if entry.group and entry.group != "*":
            faults = dns_subdomain(entry.group)
            if faults:
                errors.append(invalid_value(path / "group", entry.group, ",".join(faults)))
        if entry.resourceNames and not entry.resources:
            why = "using resourceNames requires at least one resource"
            errors.append(invalid_value(path / "resourceNames", entry.resourceNames, why))
    return errors


def _stage_errors(stages: list[str], path: Path) -> list[FieldError]:
    why = "allowed stages are " + ",".join(_STAGES)
    return [
        invalid_value(path.index(i), stage, why)
        for i, stage in enumerate(stages)
        if stage not in _STAGES
    ]
