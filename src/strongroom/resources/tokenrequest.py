"""TokenRequest: a token for a ServiceAccount, which ``serviceaccounts/NAME/token`` answers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import Path, dns_subdomain, invalid_value, not_supported
from strongroom.resources.resource import Resource
from strongroom.resources.user_info import GROUP

API_PACKAGE = "io.k8s.api.authentication.v1"

DEFAULT_SECONDS = 3600
MIN_SECONDS, MAX_SECONDS = 600, 1 << 32

ATTESTED_GROUPS = "admissionReviewAPIGroups"


class BoundObjectReference(Struct):
    """The object that a token is bound to: it ends with the object."""

    kind: Annotated[
        str,
        F(
            1,
            "Pod, Secret, Node, ValidatingWebhookConfiguration or MutatingWebhookConfiguration.",
        ),
    ] = ""
    apiVersion: Annotated[str, F(2, "Group and version of the object's kind.")] = ""
    name: Annotated[str, F(3, "The object's name.")] = ""
    uid: Annotated[str, F(4, "The object's UID; empty for whichever has the name now.")] = ""


class TokenRequestSpec(Struct):
    """What is asked for."""

    audiences: Annotated[
        list[str],
        F(
            1,
            "For whom the token is meant; whoever is not among them should refuse it.",
            list_type="atomic",
        ),
    ] = always(list)
    expirationSeconds: Annotated[
        int | None,
        F(
            4,
            "For how many seconds it is to be good; the answer may give it less.",
            format="int64",
        ),
    ] = None
    boundObjectRef: Annotated[
        BoundObjectReference | None,
        F(3, "The object that the token ends with, as far as the API server is asked."),
    ] = None
    attestations: Annotated[
        dict[str, list[str]],
        F(5, "Claims by well-known name that the server is asked to vouch for."),
    ] = {}


class TokenRequestStatus(Struct):
    """What is given."""

    token: Annotated[str, F(1, "The bearer token.", confidential=True)] = always(str)
    expirationTimestamp: Annotated[
        str, F(2, "When it ends.", format="date-time", by_value=True)
    ] = ""


class TokenRequest(Object):
    """Asks for a token of a ServiceAccount."""

    spec: Annotated[TokenRequestSpec, F(2, "What is asked for.")] = msgspec.field(
        default_factory=TokenRequestSpec
    )
    status: Annotated[TokenRequestStatus, F(3, "What is given.")] = msgspec.field(
        default_factory=TokenRequestStatus
    )


class TokenRequestResource(Resource[TokenRequest]):
    """The behaviour of TokenRequests (``pkg/apis/authentication/validation``)."""

    def default(self, obj: TokenRequest) -> None:
        if obj.spec.expirationSeconds is None:
            obj.spec.expirationSeconds = DEFAULT_SECONDS

    def validate(self, obj: TokenRequest) -> list[FieldError]:
        spec, path = obj.spec, Path("spec")
        errors = _lifetime_errors(spec.expirationSeconds or 0, path / "expirationSeconds")
        attestations = path / "attestations"
        if is_webhook(spec.boundObjectRef):
            if len(spec.audiences) != 1:
                why = "must be length 1 when bound to a webhook config"
                errors.append(invalid_value(path / "audiences", spec.audiences, why))
            errors += _attestation_errors(spec.attestations, attestations)
        elif spec.attestations:
            why = "attestations may only be specified with a webhook bound object reference"
            errors = [invalid_value(attestations, spec.attestations, why)]
        return errors


def is_webhook(reference: BoundObjectReference | None) -> bool:
    """Whether a token is to be bound to a configuration of webhooks."""
    return (
        reference is not None
        and reference.kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        and reference.apiVersion == "admissionregistration.k8s.io/v1"
    )


def _lifetime_errors(seconds: int, path: Path) -> list[FieldError]:
    if seconds < MIN_SECONDS:
        return [invalid_value(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > MAX_SECONDS:
        return [invalid_value(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _attestation_errors(given: dict[str, list[str]], path: Path) -> list[FieldError]:
    if len(given) != 1:
        why = "webhook bound requests require exactly one admissionReviewAPIGroups attestation"
        return [invalid_value(path, given, why)]
    key, values = next(iter(given.items()))
    if key != ATTESTED_GROUPS:
        return [not_supported(path.key(key), key, (ATTESTED_GROUPS,))]
    if len(values) != 1:
        return [invalid_value(path.key(key), values, "must specify a single value")]
    group = values[0]
    if not group:
        return [invalid_value(path.key(key), group, "may not be an empty string")]
    if group == "*":
        return []
    return [
        invalid_value(path.key(key), group, f"must specify a valid API Group: {why}")
        for why in dns_subdomain(group)
    ]


TOKEN_REQUESTS = TokenRequestResource(
    group=GROUP,
    version="v1",
    kind="TokenRequest",
    plural="tokenrequests",
    singular="tokenrequest",
    type=TokenRequest,
    namespaced=True,
    verbs=("create",),
    answered=True,
)
