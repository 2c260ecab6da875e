"""Which authorizers there are, in which order, and how webhooks are asked: by a file, or by flags.

Both come to the same plans, as upstream's flags come to a configuration. Source:
``pkg/kubeapiserver/authorizer/config.go``, ``pkg/kubeapiserver/options/authorization.go``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from strongroom.access.authz.configuration_types import (
    DENY,
    IN_CLUSTER,
    VERSIONS,
    AuthorizationConfiguration,
    AuthorizerConfiguration,
    WebhookConfiguration,
)
from strongroom.access.authz.configuration_validation import configuration_errors
from strongroom.access.authz.modes import WEBHOOK, name_of
from strongroom.access.authz.policies import aggregate
from strongroom.access.authz.port import Verdict
from strongroom.api.configuration import BadConfiguration, read_configuration, refuse
from strongroom.api.durations import parse_duration
from strongroom.api.gotext import quote

AUTHORIZED, UNAUTHORIZED = timedelta(minutes=5), timedelta(seconds=30)
"""How long answers are kept where nothing else is said."""


@dataclass(frozen=True, slots=True)
class WebhookPlan:
    """How a webhook is asked. Times are seconds; answers of a lifetime of 0 are not kept."""

    kubeconfig: Path
    timeout: float
    version: str
    authorized_ttl: float
    unauthorized_ttl: float
    on_failure: Verdict = Verdict.NO_OPINION
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizerPlan:
    """One authorizer; ``webhook`` is of those of type Webhook."""

    type: str
    name: str
    webhook: WebhookPlan | None = None


Plans = tuple[AuthorizerPlan, ...]


def plans_of_modes(modes: Sequence[str], webhook: WebhookPlan | None) -> Plans:
    """What ``--authorization-mode`` says, with the webhook of the other flags."""
    return tuple(
        AuthorizerPlan(mode, name_of(mode), webhook if mode == WEBHOOK else None) for mode in modes
    )


def read_plans(body: bytes, needed: Collection[str] = ()) -> Plans:
    """What a file says. Raises BadConfiguration.

    ``needed`` are the types that it must name, webhooks aside.
    """
    try:
        found = read_configuration(body, AuthorizationConfiguration, VERSIONS)
    except BadConfiguration as error:
        text = f"failed to load AuthorizationConfiguration from file: {error}"
        raise BadConfiguration(text) from None
    try:
        errors = configuration_errors(found)
    except ValueError as error:
        raise BadConfiguration(f"invalid duration: {error}") from None
    refuse(errors)
    wrong = [text for one in found.authorizers if (text := _use_error(one))]
    types = {one.type for one in found.authorizers}
    if missing := sorted(set(needed) - types):
        wrong.append(f"missing required types: [{' '.join(missing)}]")
    if wrong:
        raise BadConfiguration(aggregate(wrong))
    return tuple(_plan(one) for one in found.authorizers)


def _use_error(one: AuthorizerConfiguration) -> str:
    """What is wrong for an API server, where others might do so; "" if nothing is."""
    if one.webhook is not None:
        info = one.webhook.connectionInfo
        if info.type != IN_CLUSTER:
            return ""
        # It would be asking itself.
        return f"connectionInfo type {quote(info.type)} is not allowed for authorizer {one.name}"
    expected = name_of(one.type)
    if one.name == expected:
        return ""
    return f"expected name {expected} for authorizer {one.type} instead of {one.name}"


def _plan(one: AuthorizerConfiguration) -> AuthorizerPlan:
    webhook = one.webhook
    return AuthorizerPlan(one.type, one.name, None if webhook is None else _webhook(webhook))


def _webhook(given: WebhookConfiguration) -> WebhookPlan:
    authorized = _lifetime(given.authorizedTTL, AUTHORIZED)
    unauthorized = _lifetime(given.unauthorizedTTL, UNAUTHORIZED)
    return WebhookPlan(
        Path(given.connectionInfo.kubeConfigFile or ""),
        parse_duration(given.timeout).total_seconds(),
        given.subjectAccessReviewVersion,
        0.0 if given.cacheAuthorizedRequests is False else authorized,
        0.0 if given.cacheUnauthorizedRequests is False else unauthorized,
        Verdict.DENY if given.failurePolicy == DENY else Verdict.NO_OPINION,
        tuple(condition.expression for condition in given.matchConditions),
    )


def _lifetime(text: str, default: timedelta) -> float:
    return (parse_duration(text or "0") or default).total_seconds()
