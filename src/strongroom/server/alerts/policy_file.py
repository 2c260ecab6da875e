"""``AlertPolicy`` files: what may stand in them, and what is wrong with one.

A field that nobody knows is an error: a rule without a misspelt ``except`` would watch everybody.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path as FilePath
from typing import Annotated

import msgspec

from strongroom.api.configuration import (
    BadConfiguration,
    Configuration,
    read_configuration,
    refuse,
)
from strongroom.api.errors import FieldError
from strongroom.api.meta import ObjectMeta
from strongroom.api.names import dns_label
from strongroom.api.schema import F, Struct
from strongroom.api.validation import Path, invalid_value, not_supported, required
from strongroom.resources.secret_expiry import parse_span
from strongroom.resources.secretalert import SEVERITIES
from strongroom.server.reloading import BadFile, read

API_VERSION = "strongroom.io/v1alpha1"

MANY, FIRST, EVERYWHERE = "ManySecretsRead", "FirstRead", "ListAcrossNamespaces"
REFUSED, TOKEN, ACTING = "RepeatedRefusals", "TokenFromNewAddress", "ImpersonatedRead"
OTHERS_TOKEN = "TokenForAnother"  # noqa: S105 - the name of a kind of rule
WHOLE = "WholeStoreRead"
TYPES = (MANY, FIRST, EVERYWHERE, REFUSED, TOKEN, ACTING, OTHERS_TOKEN, WHOLE)
"""The kinds of rules."""

LEARNING = (FIRST, TOKEN)
"""Those that know what is usual, and have to learn it."""

SECRETS, ANYTHING, CREDENTIALS = "Secrets", "Anything", "Credentials"
REFUSALS = (SECRETS, ANYTHING, CREDENTIALS)
"""What ``RepeatedRefusals`` counts: 403 about Secrets, 403 about anything, 401."""

_MOST_RULES, _MOST_KEPT, _MOST_COUNTED = 100, 100_000, 1000


class Match(Struct):
    """What a request has to be: all that is given, and of each list one entry (``*`` fits all)."""

    users: Annotated[list[str], F(1, "Names of users.")] = []
    groups: Annotated[list[str], F(2, "Groups, one of which the user is in.")] = []
    namespaces: Annotated[list[str], F(3, "Namespaces of what is asked for.")] = []
    secrets: Annotated[list[str], F(4, "Names of what is asked for.")] = []
    verbs: Annotated[list[str], F(5, "Verbs.")] = []
    userAgents: Annotated[list[str], F(6, "What the client calls itself.")] = []
    addresses: Annotated[list[str], F(7, "Addresses, or networks as 10.0.0.0/8.")] = []
    named: Annotated[bool | None, F(8, "Whether one object is asked for by name.")] = None


class Rule(Struct):
    """What raises an alert."""

    name: Annotated[str, F(1, "Name of the rule; that of a default rule replaces it.")] = ""
    type: Annotated[str, F(2, "Kind of the rule.")] = ""
    severity: Annotated[str, F(3, "low, medium, high or critical.")] = "medium"
    threshold: Annotated[int, F(4, "How many within the window raise an alert.")] = 1
    window: Annotated[str, F(5, "How long what is seen counts.")] = "5m"
    cooldown: Annotated[str, F(6, "How long after the last of them a new alert is raised.")] = "1h"
    learning: Annotated[str, F(7, "How long is learned what is usual, at first.")] = "24h"
    youth: Annotated[str, F(8, "How long anybody may be the first to read a new Secret.")] = "1h"
    refused: Annotated[str, F(9, "What is refused: Secrets, Anything or Credentials.")] = SECRETS
    only: Annotated[list[Match], F(10, "What is looked at; none: everything.")] = []
    exceptions: Annotated[list[Match], F(11, "What is not looked at.")] = []
    enabled: Annotated[bool, F(12, "Whether the rule is on.")] = True


class Webhook(Struct):
    """Whom alerts are sent to."""

    url: Annotated[str, F(1, "Where to, by HTTPS.")] = ""
    caFile: Annotated[str, F(2, "File of the authorities that vouch for it.")] = ""
    tokenFile: Annotated[str, F(3, "File with a token to show there.")] = ""
    kubeconfig: Annotated[str, F(4, "Kubeconfig file that says all of this instead.")] = ""
    timeout: Annotated[str, F(5, "How long an answer may take.")] = "10s"


class Keep(Struct):
    """How many alerts are kept, and for how long."""

    number: Annotated[int, F(1, "How many, the newest.")] = 1000
    age: Annotated[str, F(2, "How long after the last request.")] = "30d"


class AlertPolicySpec(Struct):
    """What raises alerts, and where they go."""

    defaultRules: Annotated[bool, F(1, "Whether the default rules are on too.")] = True
    rules: Annotated[list[Rule], F(2, "The rules.")] = []
    webhook: Annotated[Webhook | None, F(3, "Whom alerts are sent to, besides.")] = None
    keep: Annotated[Keep, F(4, "What is kept.")] = msgspec.field(default_factory=Keep)


class AlertPolicy(Configuration):
    """The file."""

    metadata: Annotated[ObjectMeta | None, F(1, "Has no meaning here.")] = None
    spec: Annotated[AlertPolicySpec, F(2, "What it says.")] = msgspec.field(
        default_factory=AlertPolicySpec
    )


def load_policy(path: FilePath) -> AlertPolicySpec:
    """Read a policy from a file. Raises BadFile, which names the file and the fault."""
    try:
        return read_policy(read(path))
    except BadConfiguration as error:
        raise BadFile(f"{path}: {error}") from None


def read_policy(content: bytes) -> AlertPolicySpec:
    """Read a policy from YAML or JSON. Raises BadConfiguration, with the paths of all faults."""
    spec = read_configuration(content, AlertPolicy, (API_VERSION,)).spec
    refuse(policy_errors(spec))
    return spec


def seconds(span: str) -> float:
    """A duration of the file, such as ``90d`` or ``0``, in seconds. Raises ValueError."""
    return 0.0 if span in ("0", "0s") else parse_span(span).total_seconds()


def policy_errors(spec: AlertPolicySpec) -> list[FieldError]:
    """What is wrong with a policy."""
    errors: list[FieldError] = []
    where, names = Path("spec") / "rules", set()
    if len(spec.rules) > _MOST_RULES:
        errors.append(invalid_value(where, len(spec.rules), f"at most {_MOST_RULES} rules"))
    for i, rule in enumerate(spec.rules):
        errors += _rule_errors(rule, where.index(i))
        if rule.name in names:
            why = "two rules of a name"
            errors.append(invalid_value(where.index(i) / "name", rule.name, why))
        names.add(rule.name)
    keep = Path("spec") / "keep"
    errors += _number_errors(keep / "number", spec.keep.number, _MOST_KEPT)
    errors += _span_errors(keep / "age", spec.keep.age)
    if spec.webhook is not None:
        errors += _webhook_errors(spec.webhook, Path("spec") / "webhook")
    return errors


def _rule_errors(rule: Rule, path: Path) -> list[FieldError]:
    errors = [] if rule.name else [required(path / "name")]
    if rule.name:
        why = ", ".join(dns_label(rule.name))
        errors += [invalid_value(path / "name", rule.name, why)] if why else []
    for name, value, known in (
        ("type", rule.type, TYPES),
        ("severity", rule.severity, SEVERITIES),
        ("refused", rule.refused, REFUSALS),
    ):
        if not value:
            errors.append(required(path / name))
        elif value not in known:
            errors.append(not_supported(path / name, value, known))
    errors += _number_errors(path / "threshold", rule.threshold, _MOST_COUNTED)
    errors += _span_errors(path / "window", rule.window) + _span_errors(
        path / "cooldown", rule.cooldown
    )
    for name, span in (("learning", rule.learning), ("youth", rule.youth)):
        errors += _span_errors(path / name, span, none=True)
    for name, matches in (("only", rule.only), ("exceptions", rule.exceptions)):
        for i, match in enumerate(matches):
            errors += _match_errors(match, (path / name).index(i))
    return errors


def _match_errors(match: Match, path: Path) -> list[FieldError]:
    if match == Match():
        return [invalid_value(path, "{}", "says nothing, and would fit every request")]
    errors = []
    for i, text in enumerate(match.addresses):
        try:
            ipaddress.ip_network(text)
        except ValueError:
            where = (path / "addresses").index(i)
            errors.append(invalid_value(where, text, "neither an address nor a network"))
    return errors


def _webhook_errors(webhook: Webhook, path: Path) -> list[FieldError]:
    errors = _span_errors(path / "timeout", webhook.timeout)
    if bool(webhook.url) == bool(webhook.kubeconfig):
        errors.append(invalid_value(path, webhook.url, "one of url and kubeconfig"))
    if webhook.kubeconfig and (webhook.caFile or webhook.tokenFile):
        errors.append(invalid_value(path, webhook.kubeconfig, "says authorities and token itself"))
    if webhook.url and not webhook.url.startswith("https://"):
        errors.append(invalid_value(path / "url", webhook.url, "must begin with https://"))
    return errors


def _number_errors(path: Path, number: int, most: int) -> list[FieldError]:
    if 1 <= number <= most:
        return []
    return [invalid_value(path, number, f"must be between 1 and {most}")]


def _span_errors(path: Path, span: str, *, none: bool = False) -> list[FieldError]:
    try:
        if seconds(span) or none:
            return []
    except ValueError as error:
        return [invalid_value(path, span, str(error) + (", or 0" if none else ""))]
    return [invalid_value(path, span, "must be above 0")]
