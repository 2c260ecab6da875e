"""``AuthenticationConfiguration``: the file in which an operator says whose tokens are believed.

``apiserver.config.k8s.io`` v1, v1beta1 and v1alpha1, which have the same fields.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.configuration import Configuration
from strongroom.api.schema import F, Struct

API_VERSIONS = tuple(
    f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1")
)


class Issuer(Struct):
    """Who issues tokens, and for whom they must be meant."""

    url: Annotated[str, F(1, "What tokens name as their issuer; https.")] = ""
    discoveryURL: Annotated[
        str | None, F(2, "Where the issuer describes itself, if elsewhere.")
    ] = None
    certificateAuthority: Annotated[
        str, F(3, "PEM of the authorities of its certificate; none: the system's.")
    ] = ""
    audiences: Annotated[list[str], F(4, "One of which a token must be meant for.")] = []
    audienceMatchPolicy: Annotated[str, F(5, "MatchAny, for several audiences.")] = ""
    egressSelectorType: Annotated[str, F(6, "Not supported.")] = ""


class ClaimValidationRule(Struct):
    """What a token must say: a claim with a value, or what an expression finds true."""

    claim: Annotated[str, F(1, "Name of a claim.")] = ""
    requiredValue: Annotated[str, F(2, "Its value.")] = ""
    expression: Annotated[str, F(3, "CEL over claims; must be true.")] = ""
    message: Annotated[str, F(4, "What is told when it is not.")] = ""


class PrefixedClaimOrExpression(Struct):
    """A claim and what is put before it, or an expression."""

    claim: Annotated[str, F(1, "Name of a claim.")] = ""
    prefix: Annotated[str | None, F(2, 'Put before its value; "" for nothing.')] = None
    expression: Annotated[str, F(3, "CEL over claims.")] = ""


class ClaimOrExpression(Struct):
    """A claim or an expression."""

    claim: Annotated[str, F(1, "Name of a claim.")] = ""
    expression: Annotated[str, F(2, "CEL over claims.")] = ""


class ExtraMapping(Struct):
    """An attribute of the user."""

    key: Annotated[str, F(1, "Its name, with a domain before it.")] = ""
    valueExpression: Annotated[str, F(2, "CEL over claims: a string or a list of them.")] = ""


class ClaimMappings(Struct):
    """What of a token becomes what of the user."""

    username: Annotated[PrefixedClaimOrExpression, F(1, "The name.")] = msgspec.field(
        default_factory=PrefixedClaimOrExpression
    )
    groups: Annotated[PrefixedClaimOrExpression, F(2, "The groups.")] = msgspec.field(
        default_factory=PrefixedClaimOrExpression
    )
    uid: Annotated[ClaimOrExpression, F(3, "The UID.")] = msgspec.field(
        default_factory=ClaimOrExpression
    )
    extra: Annotated[list[ExtraMapping], F(4, "Further attributes.")] = []


class UserValidationRule(Struct):
    """What must be true of the user that has come of it."""

    expression: Annotated[str, F(1, "CEL over user.")] = ""
    message: Annotated[str, F(2, "What is told when it is not.")] = ""


class JWTAuthenticator(Struct):
    """An issuer, and what its tokens mean."""

    issuer: Annotated[Issuer, F(1, "The issuer.")] = msgspec.field(default_factory=Issuer)
    claimValidationRules: Annotated[
        list[ClaimValidationRule], F(2, "What tokens must say; all of it.")
    ] = []
    claimMappings: Annotated[ClaimMappings, F(3, "What they say of the user.")] = msgspec.field(
        default_factory=ClaimMappings
    )
    userValidationRules: Annotated[
        list[UserValidationRule], F(4, "What must be true of the user; all of it.")
    ] = []


class AnonymousAuthCondition(Struct):
    """Where those who show nothing are let in."""

    path: Annotated[str, F(1, "A path, to the letter.")] = ""


class AnonymousAuthConfig(Struct):
    """Whether those who show nothing are let in, and where."""

    enabled: Annotated[bool, F(1, "Whether they are.")] = False
    conditions: Annotated[list[AnonymousAuthCondition], F(2, "Where; none: everywhere.")] = []


class AuthenticationConfiguration(Configuration):
    """The file."""

    jwt: Annotated[list[JWTAuthenticator], F(1, "The issuers.")] = []
    anonymous: Annotated[AnonymousAuthConfig | None, F(2, "Those who show nothing.")] = None
