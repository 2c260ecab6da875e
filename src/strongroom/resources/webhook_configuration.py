"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration: sets of admission webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import Path
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.match_conditions import match_condition_error
from strongroom.resources.resource import Column, Resource
from strongroom.resources.webhook import MutatingWebhook, ValidatingWebhook, default_webhook
from strongroom.resources.webhook_validation import validate_webhooks

API_PACKAGE = "io.k8s.api.admissionregistration.v1"
"""Where OpenAPI places the types of this module."""

GROUP = "admissionregistration.k8s.io"


class MutatingWebhookConfiguration(Object):
    """Webhooks that may change objects; they are asked one after the other."""

    webhooks: Annotated[
        list[MutatingWebhook],
        F(
            2,
            "The webhooks, in the order in which they are asked.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


class ValidatingWebhookConfiguration(Object):
    """Webhooks that may refuse requests; they are asked at the same time."""

    webhooks: Annotated[
        list[ValidatingWebhook],
        F(
            2,
            "The webhooks.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


T = TypeVar("T", MutatingWebhookConfiguration, ValidatingWebhookConfiguration)


class WebhookConfigurationResource(Resource[T]):
    """The behaviour of both kinds."""

    def default(self, obj: T) -> None:
        for webhook in obj.webhooks:
            default_webhook(webhook)

    def prepare_for_create(self, obj: T, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(self, new: T, old: T, now: datetime) -> None:
        if new.webhooks != old.webhooks:
            new.metadata.generation = old.metadata.generation + 1

    def validate(self, obj: T) -> list[FieldError]:
        return validate_webhooks(obj.webhooks, Path("webhooks"), match_condition_error)

    def validate_update(self, new: T, old: T) -> list[FieldError]:
        # Conditions that were accepted once are not judged again while nobody touches them.
        same = [w.matchConditions for w in new.webhooks] == [
            w.matchConditions for w in old.webhooks
        ]
        judge = _accepted if same else match_condition_error
        return validate_webhooks(new.webhooks, Path("webhooks"), judge)


def _accepted(expression: str) -> None:
    """Nothing is wrong with an expression that is stored already."""


_COLUMNS: tuple[Column[Any], ...] = (
    NAME,
    Column(
        "Webhooks",
        lambda configuration, now: len(configuration.webhooks),
        type="integer",
        description="Number of webhooks.",
    ),
    AGE,
)

MUTATING_WEBHOOKS: WebhookConfigurationResource[MutatingWebhookConfiguration] = (
    WebhookConfigurationResource(
        group=GROUP,
        version="v1",
        kind="MutatingWebhookConfiguration",
        plural="mutatingwebhookconfigurations",
        singular="mutatingwebhookconfiguration",
        type=MutatingWebhookConfiguration,
        namespaced=False,
        categories=("api-extensions",),
        columns=_COLUMNS,
        unconditional_update=False,
    )
)
VALIDATING_WEBHOOKS: WebhookConfigurationResource[ValidatingWebhookConfiguration] = (
    WebhookConfigurationResource(
        group=GROUP,
        version="v1",
        kind="ValidatingWebhookConfiguration",
        plural="validatingwebhookconfigurations",
        singular="validatingwebhookconfiguration",
        type=ValidatingWebhookConfiguration,
        namespaced=False,
        categories=("api-extensions",),
        columns=_COLUMNS,
        unconditional_update=False,
    )
)
