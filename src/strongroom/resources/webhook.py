"""Webhooks: who is asked about a request before it is stored, and how they are reached."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import LabelSelector
from strongroom.api.schema import F, Struct, always
from strongroom.resources.admission_rules import (
    ALL,
    EQUIVALENT,
    FAIL,
    MatchCondition,
    RuleWithOperations,
)

API_PACKAGE = "io.k8s.api.admissionregistration.v1"
"""Where OpenAPI places the types of this module."""

NEVER, IF_NEEDED = "Never", "IfNeeded"
NONE, NONE_ON_DRY_RUN = "None", "NoneOnDryRun"
DEFAULT_TIMEOUT, DEFAULT_PORT = 10, 443


class ServiceReference(Struct):
    """A webhook that runs behind a Service."""

    namespace: Annotated[str, F(1, "Namespace of the Service.", required=True)] = always(str)
    name: Annotated[str, F(2, "Name of the Service.", required=True)] = always(str)
    path: Annotated[str | None, F(3, "Path of the URL to call.")] = None
    port: Annotated[int | None, F(4, "Port of the Service; 443 by default.", format="int32")] = None


class WebhookClientConfig(Struct):
    """How a webhook is reached: by URL or by Service, and whose certificates are believed."""

    url: Annotated[
        str | None, F(3, "https://HOST[:PORT]/PATH, with neither user nor query nor fragment.")
    ] = None
    service: Annotated[ServiceReference | None, F(1, "The Service of the webhook.")] = None
    caBundle: Annotated[
        bytes,
        F(2, "PEM certificates that the webhook's is checked with; the system's by default."),
    ] = b""


class Webhook(Struct):
    """What both kinds of webhooks have."""

    name: Annotated[
        str, F(1, "Name of the webhook, a domain of three parts or more.", required=True)
    ] = always(str)
    clientConfig: Annotated[WebhookClientConfig, F(2, "How it is reached.", required=True)] = (
        msgspec.field(default_factory=WebhookClientConfig)
    )
    rules: Annotated[
        list[RuleWithOperations], F(3, "The requests that it is asked about.", list_type="atomic")
    ] = []
    failurePolicy: Annotated[
        str | None, F(4, "What a failed call means: Fail (default) or Ignore.")
    ] = None
    matchPolicy: Annotated[
        str | None,
        F(9, "Whether rules match other versions of a resource too: Equivalent or Exact."),
    ] = None
    namespaceSelector: Annotated[
        LabelSelector | None, F(5, "Labels of the namespaces; all by default.")
    ] = None
    sideEffects: Annotated[
        str | None, F(6, "None, or NoneOnDryRun; anything else bars dry runs.", required=True)
    ] = always(lambda: None)
    timeoutSeconds: Annotated[
        int | None, F(7, "Seconds to wait for the answer: 1 to 30, by default 10.", format="int32")
    ] = None
    admissionReviewVersions: Annotated[
        list[str],
        F(
            8,
            "Versions of AdmissionReview that it takes; the first that we know is used.",
            required=True,
            list_type="atomic",
        ),
    ] = always(list)


class ValidatingWebhook(Webhook):
    """A webhook that may refuse requests."""

    objectSelector: Annotated[
        LabelSelector | None, F(10, "Labels of the object, old or new; all by default.")
    ] = None
    matchConditions: Annotated[
        list[MatchCondition],
        F(
            11,
            "CEL conditions that must all hold of the request.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


class MutatingWebhook(Webhook):
    """A webhook that may change objects, and refuse requests."""

    objectSelector: Annotated[
        LabelSelector | None, F(11, "Labels of the object, old or new; all by default.")
    ] = None
    reinvocationPolicy: Annotated[
        str | None,
        F(10, "Whether it is asked again when others changed the object: Never or IfNeeded."),
    ] = None
    matchConditions: Annotated[
        list[MatchCondition],
        F(
            12,
            "CEL conditions that must all hold of the request.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


AnyWebhook = ValidatingWebhook | MutatingWebhook


def default_webhook(webhook: AnyWebhook) -> None:
    """Fill in what upstream fills in (``pkg/apis/admissionregistration/v1/defaults.go``)."""
    if webhook.failurePolicy is None:
        webhook.failurePolicy = FAIL
    if webhook.matchPolicy is None:
        webhook.matchPolicy = EQUIVALENT
    if webhook.namespaceSelector is None:
        webhook.namespaceSelector = LabelSelector()
    if webhook.objectSelector is None:
        webhook.objectSelector = LabelSelector()
    if webhook.timeoutSeconds is None:
        webhook.timeoutSeconds = DEFAULT_TIMEOUT
    if isinstance(webhook, MutatingWebhook) and webhook.reinvocationPolicy is None:
        webhook.reinvocationPolicy = NEVER
    for rule in webhook.rules:
        if rule.scope is None:
            rule.scope = ALL
    service = webhook.clientConfig.service
    if service is not None and service.port is None:
        service.port = DEFAULT_PORT
