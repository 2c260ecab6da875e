"""Which webhooks are asked about a request (``webhook/generic``, ``webhook/matchconditions``)."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.access.admission.matching import (
    Equivalents,
    NamespaceLabels,
    Target,
    find_target,
    namespace_matches,
    object_matches,
)
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.webhook.review import request_tree
from strongroom.api.errors import StatusError, forbidden, internal_error
from strongroom.resources.admission_rules import IGNORE
from strongroom.resources.match_conditions import ConditionsFailed, conditions_hold
from strongroom.resources.webhook import AnyWebhook


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the choice asks of the rest of the server."""

    namespaces: NamespaceLabels
    kinds: Equivalents


async def target_for(
    webhook: AnyWebhook, request: AdmissionRequest, around: Surroundings
) -> Target | None:
    """What the webhook is to be asked about; None when it is not to be asked.

    Raises StatusError 403 when a condition cannot be judged and the webhook must be heard, 404 for
    a missing namespace, 500.
    """
    # As upstream, a selector that cannot be judged counts only where a rule speaks of the request.
    failure: StatusError | None = None
    try:
        if not await namespace_matches(webhook.namespaceSelector, request, around.namespaces):
            return None
        if not object_matches(webhook.objectSelector, request):
            return None
    except ValueError as error:
        failure = internal_error(str(error))
    except StatusError as error:
        failure = error
    target = find_target(request, webhook.rules, webhook.matchPolicy, around.kinds)
    if target is None:
        return None
    if failure is not None:
        raise failure
    if webhook.matchConditions and not _conditions_hold(webhook, request, target):
        return None
    return target


def _conditions_hold(webhook: AnyWebhook, request: AdmissionRequest, target: Target) -> bool:
    """Whether all match conditions hold; one that is false outweighs any that fail."""
    about = request_tree(request, target)
    # In expressions the objects are variables of their own, and not parts of the request.
    objects = {name: about.pop(name) for name in ("object", "oldObject")}
    expressions = [condition.expression for condition in webhook.matchConditions]
    try:
        return conditions_hold(expressions, {**objects, "request": about})
    except ConditionsFailed as error:
        if webhook.failurePolicy == IGNORE:
            return False
        raise forbidden(request.resource.group_resource, request.name, str(error)) from None
