"""The objects of an AuthorizationConfiguration file, which are the same in all its versions.

Source: ``k8s.io/apiserver/pkg/apis/apiserver`` (types, defaults).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.configuration import Configuration
from strongroom.api.schema import F, Struct

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))

KUBECONFIG, IN_CLUSTER = "KubeConfigFile", "InClusterConfig"
NO_OPINION, DENY = "NoOpinion", "Deny"


class ConnectionInfo(Struct):
    """Where a webhook is."""

    type: Annotated[str, F(1, "How its place is told: KubeConfigFile.")] = ""
    kubeConfigFile: Annotated[str | None, F(2, "The kubeconfig, by an absolute path.")] = None


class MatchCondition(Struct):
    """One condition."""

    expression: Annotated[str, F(1, "CEL about request, true where the webhook is asked.")] = ""


class WebhookConfiguration(Struct):
    """How a webhook is asked."""

    authorizedTTL: Annotated[str, F(1, "How long consent is kept (5m).")] = ""
    cacheAuthorizedRequests: Annotated[bool | None, F(2, "Whether it is kept (true).")] = None
    unauthorizedTTL: Annotated[str, F(3, "How long any other answer is kept (30s).")] = ""
    cacheUnauthorizedRequests: Annotated[bool | None, F(4, "Whether it is kept (true).")] = None
    timeout: Annotated[str, F(5, "How long a call may take, at most 30s.")] = ""
    subjectAccessReviewVersion: Annotated[str, F(6, "v1 or v1beta1.")] = ""
    matchConditionSubjectAccessReviewVersion: Annotated[str, F(7, "v1.")] = ""
    failurePolicy: Annotated[str, F(8, "NoOpinion or Deny where it cannot be heard.")] = ""
    connectionInfo: Annotated[ConnectionInfo, F(9, "Where it is.")] = msgspec.field(
        default_factory=ConnectionInfo
    )
    matchConditions: Annotated[
        list[MatchCondition], F(10, "What must hold for it to be asked.")
    ] = []


class AuthorizerConfiguration(Struct):
    """One authorizer."""

    type: Annotated[str, F(1, "Node, RBAC, Webhook, AlwaysAllow or AlwaysDeny.")] = ""
    name: Annotated[str, F(2, "How metrics and refusals name it.")] = ""
    webhook: Annotated[WebhookConfiguration | None, F(3, "Of type Webhook alone.")] = None


class AuthorizationConfiguration(Configuration):
    """The file."""

    authorizers: Annotated[list[AuthorizerConfiguration], F(1, "Who is asked, in this order.")] = []
