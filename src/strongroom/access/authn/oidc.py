"""Users of an OpenID Connect provider: what its tokens say becomes who somebody is.

Source: ``k8s.io/apiserver/plugin/pkg/authenticator/token/oidc``; the words are upstream's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strongroom.access.authn.accounts import credential_id
from strongroom.access.authn.claims_cel import (
    EvaluationFailed,
    Expression,
    claims_value,
    string_list,
    user_value,
)
from strongroom.access.authn.configuration import JWTAuthenticator, PrefixedClaimOrExpression
from strongroom.access.authn.configuration_validation import Compiled, required_claims
from strongroom.access.authn.distributed_claims import DistributedClaims
from strongroom.access.authn.idtokens import IDToken, IDTokens
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.user import User
from strongroom.api.gotext import quote

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_NOT_STRINGS = "expression must return a string or a list of strings"


class IssuedTokens:
    """Knows the tokens of one issuer. Whether a token is this issuer's has been asked before."""

    def __init__(
        self,
        settings: JWTAuthenticator,
        compiled: Compiled,
        tokens: IDTokens,
        distributed: DistributedClaims | None,
    ) -> None:
        self._settings = settings
        self._compiled = compiled
        self._tokens = tokens
        self._distributed = distributed
        self._required = required_claims(settings)

    async def authenticate_token(self, token: str) -> Authenticated | None:
        """Whose the token is. Raises AuthenticationFailed."""
        if not self._tokens.ready():
            raise AuthenticationFailed("oidc: authenticator not initialized")
        try:
            found = await self._tokens.verify(token)
        except AuthenticationFailed as error:
            raise AuthenticationFailed(f"oidc: verify token: {error}") from None
        if self._distributed is not None:
            try:
                await self._distributed.complete(found)
            except AuthenticationFailed as error:
                raise AuthenticationFailed(
                    f"oidc: could not expand distributed claims: {error}"
                ) from None
        try:
            return Authenticated(self._user(found), expires=found.expires)
        except RecursionError:
            # Maps within maps, as deep as a token has room for.
            raise AuthenticationFailed("oidc: parse claims: nested too deeply") from None

    def _user(self, token: IDToken) -> User:
        claims, compiled = token.claims, self._compiled
        seen = claims_value(token.payload) if compiled.of_claims else {}
        user = User(
            self._username(claims, seen),
            groups=tuple(self._groups(claims, seen)),
            uid=self._uid(claims, seen),
            extra=self._extra(claims, seen),
        )
        self._check_required(claims)
        _check_rules(compiled.claim_rules, seen, "claim validation expression")
        if compiled.user_rules:
            _check_rules(compiled.user_rules, user_value(user), "user info validation rule")
        return user

    def _username(self, claims: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
        if expression := self._compiled.username:
            found = _evaluated(expression, seen, "username claim expression")
            if not isinstance(found, str):
                raise AuthenticationFailed(
                    "oidc: error evaluating username claim expression: username claim expression "
                    "must return a string"
                )
            if not found:
                raise AuthenticationFailed("oidc: empty username via CEL expression is not allowed")
            return found
        mapping = self._settings.claimMappings.username
        name = _text(claims, mapping.claim, f"parse username claims {quote(mapping.claim)}")
        if mapping.claim == "email":
            _check_verified(claims)
        if not name:
            # Upstream makes a user without a name of it. Nobody is nobody.
            raise AuthenticationFailed(
                f"oidc: parse username claims {quote(mapping.claim)}: claim is empty"
            )
        return (mapping.prefix or "") + name

    def _groups(self, claims: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
        mapping = self._settings.claimMappings.groups
        if mapping.claim and mapping.claim in claims:
            return _claimed_groups(claims, mapping)
        if self._compiled.groups is None:
            return []
        return _strings(self._compiled.groups, seen, "group claim expression")

    def _uid(self, claims: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
        if claim := self._settings.claimMappings.uid.claim:
            return _text(claims, claim, f"parse uid claim {quote(claim)}")
        if self._compiled.uid is None:
            return ""
        found = _evaluated(self._compiled.uid, seen, "uid claim expression")
        if not isinstance(found, str):
            raise AuthenticationFailed(
                "oidc: error evaluating uid claim expression: uid claim expression must return a "
                "string"
            )
        return found

    def _extra(
        self, claims: Mapping[str, Any], seen: Mapping[str, Any]
    ) -> dict[str, tuple[str, ...]]:
        extra: dict[str, tuple[str, ...]] = {}
        jti = claims.get("jti")
        if isinstance(jti, str) and jti:
            extra[CREDENTIAL_ID] = (credential_id(jti),)
        try:
            found = [(key, e, e.evaluate(seen)) for key, e in self._compiled.extra]
        except EvaluationFailed as error:
            raise AuthenticationFailed(str(error)) from None
        for key, expression, value in found:
            values = string_list(value)
            if values is None:
                raise AuthenticationFailed(
                    f"oidc: error evaluating extra claim expression: {expression.text}: "
                    f"{_NOT_STRINGS}"
                )
            if values:
                extra[key] = tuple(values)
        return extra

    def _check_required(self, claims: Mapping[str, Any]) -> None:
        for claim, wanted in self._required.items():
            if claim not in claims:
                raise AuthenticationFailed(f"oidc: required claim {claim} not present in ID token")
            value = _text(claims, claim, f"parse claim {claim}")
            if value != wanted:
                raise AuthenticationFailed(
                    f"oidc: required claim {claim} value does not match. Got = {value}, "
                    f"want = {wanted}"
                )


def _check_rules(rules: list[tuple[Expression, str]], seen: Mapping[str, Any], what: str) -> None:
    # All are evaluated before any is judged, as upstream: a fault in one is told first.
    for (expression, message), holds in [(rule, _evaluated(rule[0], seen, what)) for rule in rules]:
        if not isinstance(holds, bool):
            raise AuthenticationFailed(
                f"oidc: error evaluating {what}: validation expression must return a boolean"
            )
        if not holds:
            raise AuthenticationFailed(
                f"oidc: error evaluating {what}: validation expression '{expression.text}' "
                f"failed: {message}"
            )


def _check_verified(claims: Mapping[str, Any]) -> None:
    """An address that the provider says nobody has verified names nobody."""
    if "email_verified" not in claims:
        return
    verified = claims["email_verified"]
    if not isinstance(verified, bool | None):
        raise AuthenticationFailed(
            f"oidc: parse 'email_verified' claim: {_unreadable(verified, 'bool')}"
        )
    if not verified:
        raise AuthenticationFailed("oidc: email not verified")


def _claimed_groups(claims: Mapping[str, Any], mapping: PrefixedClaimOrExpression) -> list[str]:
    """Some providers have a single string where several groups could be."""
    told, prefix = claims[mapping.claim], mapping.prefix or ""
    if isinstance(told, str):
        return [prefix + told]
    if told is None:
        return []
    if not isinstance(told, list) or not all(isinstance(g, str | None) for g in told):
        raise AuthenticationFailed(
            f"oidc: parse groups claim {quote(mapping.claim)}: {_unreadable(told, 'string')}"
        )
    return [prefix + (group or "") for group in told]


def _strings(expression: Expression, seen: Mapping[str, Any], what: str) -> list[str]:
    found = string_list(_evaluated(expression, seen, what))
    if found is None:
        raise AuthenticationFailed(f"oidc: error evaluating {what}: {_NOT_STRINGS}")
    return found


def _evaluated(expression: Expression, seen: Mapping[str, Any], what: str) -> Any:
    try:
        return expression.evaluate(seen)
    except EvaluationFailed as error:
        raise AuthenticationFailed(f"oidc: error evaluating {what}: {error}") from None


def _text(claims: Mapping[str, Any], claim: str, what: str) -> str:
    if claim not in claims:
        raise AuthenticationFailed(f"oidc: {what}: claim not present")
    value = claims[claim]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AuthenticationFailed(f"oidc: {what}: {_unreadable(value, 'string')}")
    return value


def _unreadable(value: Any, wanted: str) -> str:
    """Go's words for a value of another type."""
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}
    name = names.get(type(value), "object")
    return f"json: cannot unmarshal {name} into Go value of type {wanted}"
