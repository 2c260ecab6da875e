"""TokenRequest: a token for a ServiceAccount, which ``serviceaccounts/NAME/token`` answers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.resource import Resource
from strongroom.resources.user_info import GROUP

API_PACKAGE = "io.k8s.api.authentication.v1"

DEFAULT_SECONDS = 3600


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
    """The behaviour of TokenRequests."""

    def default(self, obj: TokenRequest) -> None:
        if obj.spec.expirationSeconds is None:
            obj.spec.expirationSeconds = DEFAULT_SECONDS


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
