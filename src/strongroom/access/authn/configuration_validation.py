"""What is wrong with an ``AuthenticationConfiguration``; what is right comes out compiled.

Paths, words and order are upstream's (``k8s.io/apiserver/pkg/apis/apiserver/validation``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography import x509

from strongroom.access.authn.claims_cel import (
    BadExpression,
    Expression,
    compile_claims,
    compile_user,
)
from strongroom.access.authn.configuration import (
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimValidationRule,
    ExtraMapping,
    Issuer,
    JWTAuthenticator,
    PrefixedClaimOrExpression,
    UserValidationRule,
)
from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.names import dns_subdomain, regex_text
from strongroom.api.validation import (
    Path,
    duplicate,
    invalid_value,
    required,
    too_many,
)

MOST_ISSUERS = 64
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_BOTH = "claim and expression can't both be set"
_UNVERIFIED = (
    "claims.email_verified must be used in claimMappings.username.expression or "
    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when "
    "claims.email is used in claimMappings.username.expression"
)
_RESERVED = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"


@dataclass(slots=True)
class Compiled:
    """The expressions of one issuer."""

    username: Expression | None = None
    groups: Expression | None = None
    uid: Expression | None = None
    extra: list[tuple[str, Expression]] = field(default_factory=list)
    claim_rules: list[tuple[Expression, str]] = field(default_factory=list)
    user_rules: list[tuple[Expression, str]] = field(default_factory=list)

    @property
    def of_claims(self) -> bool:
        """Whether any of them asks for the claims."""
        return bool(self.username or self.groups or self.uid or self.extra or self.claim_rules)


def validate_configuration(
    configuration: AuthenticationConfiguration, disallowed: Collection[str]
) -> tuple[list[Compiled], list[FieldError]]:
    """The expressions of each issuer, and all errors. ``disallowed`` are issuers that are ours."""
    root = Path("jwt")
    if len(configuration.jwt) > MOST_ISSUERS:
        return [], [too_many(root, len(configuration.jwt), MOST_ISSUERS)]
    compiled, errors = [], []
    issuers: set[str] = set()
    discovery: set[str] = set()
    for i, authenticator in enumerate(configuration.jwt):
        path = root.index(i)
        check = _Check(authenticator, disallowed, path)
        compiled.append(check.compiled)
        errors += check.errors
        issuer, at = authenticator.issuer, path / "issuer"
        if issuer.url in issuers:
            errors.append(duplicate(at / "url", issuer.url))
        issuers.add(issuer.url)
        if issuer.discoveryURL:
            if issuer.discoveryURL in discovery:
                errors.append(duplicate(at / "discoveryURL", issuer.discoveryURL))
            discovery.add(issuer.discoveryURL)
    anonymous = configuration.anonymous
    if anonymous is not None and not anonymous.enabled and anonymous.conditions:
        shown = [{"path": condition.path} for condition in anonymous.conditions]
        why = "enabled should be set to true when conditions are defined"
        errors.append(invalid_value(Path("anonymous") / "conditions", shown, why))
    return compiled, errors


class _Check:
    """One look at one issuer."""

    def __init__(
        self, authenticator: JWTAuthenticator, disallowed: Collection[str], path: Path
    ) -> None:
        self.compiled = Compiled()
        self.errors = _issuer_errors(authenticator.issuer, disallowed, path / "issuer")
        self._claim_rules(authenticator.claimValidationRules, path / "claimValidationRules")
        self._mappings(authenticator.claimMappings, path / "claimMappings")
        self._user_rules(authenticator.userValidationRules, path / "userValidationRules")

    def _claim_rules(self, rules: list[ClaimValidationRule], root: Path) -> None:
        claims: set[str] = set()
        expressions: set[str] = set()
        for i, rule in enumerate(rules):
            path = root.index(i)
            if rule.claim and rule.expression:
                self.errors.append(invalid_value(path, rule.claim, _BOTH))
            elif rule.claim:
                self._required_claim(rule, claims, path)
            elif rule.expression:
                self._claim_condition(rule, expressions, path)
            else:
                self.errors.append(required(path, "claim or expression is required"))

    def _required_claim(self, rule: ClaimValidationRule, seen: set[str], path: Path) -> None:
        if rule.message:
            why = "may not be specified when claim is set"
            self.errors.append(invalid_value(path / "message", rule.message, why))
        if rule.claim in seen:
            self.errors.append(duplicate(path / "claim", rule.claim))
        seen.add(rule.claim)

    def _claim_condition(self, rule: ClaimValidationRule, seen: set[str], path: Path) -> None:
        if rule.requiredValue:
            why = "may not be specified when expression is set"
            self.errors.append(invalid_value(path / "requiredValue", rule.requiredValue, why))
        at = path / "expression"
        if rule.expression in seen:
            self.errors.append(duplicate(at, rule.expression))
            return
        seen.add(rule.expression)
        if found := self._compile(rule.expression, at, condition=True):
            self.compiled.claim_rules.append((found, rule.message))

    def _mappings(self, mappings: ClaimMappings, path: Path) -> None:
        self.compiled.username = self._mapping(mappings.username, path / "username", needed=True)
        self.compiled.groups = self._mapping(mappings.groups, path / "groups", needed=False)
        uid = mappings.uid
        if uid.claim and uid.expression:
            self.errors.append(invalid_value(path / "uid", "", _BOTH))
        elif uid.expression:
            self.compiled.uid = self._compile(uid.expression, path / "uid" / "expression")
        seen: set[str] = set()
        for i, mapping in enumerate(mappings.extra):
            self._extra(mapping, seen, (path / "extra").index(i))
        self._email(mappings, path)

    def _email(self, mappings: ClaimMappings, path: Path) -> None:
        """An address that nobody has verified is anybody's."""
        username = self.compiled.username
        if username is None or not username.names_claim("email"):
            return
        asked = [username, *(e for _, e in self.compiled.extra)]
        asked += [e for e, _ in self.compiled.claim_rules]
        if not any(e.names_claim("email_verified") for e in asked):
            at = path / "username" / "expression"
            self.errors.append(invalid_value(at, mappings.username.expression, _UNVERIFIED))

    def _mapping(
        self, mapping: PrefixedClaimOrExpression, path: Path, *, needed: bool
    ) -> Expression | None:
        if mapping.expression and mapping.claim:
            self.errors.append(invalid_value(path, "", _BOTH))
        elif mapping.expression:
            before = len(self.errors)
            if mapping.prefix is not None:
                why = "may not be specified when expression is set"
                self.errors.append(invalid_value(path / "prefix", mapping.prefix, why))
            found = self._compile(mapping.expression, path / "expression")
            return found if len(self.errors) == before else None
        elif mapping.claim:
            if mapping.prefix is None:
                why = (
                    "prefix is required when claim is set. It can be set to an empty string to "
                    "disable prefixing"
                )
                self.errors.append(required(path / "prefix", why))
        elif needed:
            self.errors.append(required(path, "claim or expression is required"))
        return None

    def _extra(self, mapping: ExtraMapping, seen: set[str], path: Path) -> None:
        key = mapping.key
        self.errors += _key_errors(key, path / "key")
        if key in seen:
            self.errors.append(duplicate(path / "key", key))
            return
        seen.add(key)
        at = path / "valueExpression"
        if not mapping.valueExpression:
            self.errors.append(required(at))
        elif found := self._compile(mapping.valueExpression, at):
            self.compiled.extra.append((key, found))

    def _user_rules(self, rules: list[UserValidationRule], root: Path) -> None:
        seen: set[str] = set()
        for i, rule in enumerate(rules):
            at = root.index(i) / "expression"
            if not rule.expression:
                self.errors.append(required(at))
                continue
            if rule.expression in seen:
                self.errors.append(duplicate(at, rule.expression))
                continue
            seen.add(rule.expression)
            try:
                self.compiled.user_rules.append((compile_user(rule.expression), rule.message))
            except BadExpression as error:
                self.errors.append(invalid_value(at, rule.expression, str(error)))

    def _compile(self, text: str, path: Path, *, condition: bool = False) -> Expression | None:
        try:
            return compile_claims(text, condition=condition)
        except BadExpression as error:
            self.errors.append(invalid_value(path, text, str(error)))
            return None


def _issuer_errors(issuer: Issuer, disallowed: Collection[str], path: Path) -> list[FieldError]:
    url, at = issuer.url, path / "url"
    errors = _url_errors(url, disallowed, at) if url else [required(at)]
    if found := issuer.discoveryURL:
        at = path / "discoveryURL"
        if url and url.rstrip("/") == found.rstrip("/"):
            errors.append(invalid_value(at, found, "discoveryURL must be different from URL"))
        errors += _url_errors(found, (), at)
    errors += _audience_errors(issuer, path)
    if issuer.certificateAuthority and not _holds_certificates(issuer.certificateAuthority):
        why = "data does not contain any valid RSA or ECDSA certificates"
        errors.append(invalid_value(path / "certificateAuthority", "<omitted>", why))
    if selector := issuer.egressSelectorType:
        why = "egress selector must be either controlplane or cluster"
        if selector in ("controlplane", "cluster"):
            why = "egress selectors are not supported"
        errors.append(invalid_value(path / "egressSelectorType", selector, why))
    return errors


def _holds_certificates(pem: str) -> bool:
    try:
        return bool(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False


def _url_errors(url: str, disallowed: Collection[str], path: Path) -> list[FieldError]:
    errors = []
    if url in disallowed:
        known = " ".join(sorted(disallowed))
        why = f"URL must not overlap with disallowed issuers: [{known}]"
        errors.append(invalid_value(path, url, why))
    try:
        parts = urlsplit(url)
        _ = parts.port  # Reading it judges it.
        if re.search(r"[\x00-\x20\x7f]", url):
            raise ValueError("net/url: invalid control character in URL")
    except ValueError as error:
        return [*errors, invalid_value(path, url, f"parse {quote(url)}: {_go_fault(url) or error}")]
    for wrong, why in (
        (parts.scheme != "https", "URL scheme must be https"),
        ("@" in parts.netloc, "URL must not contain a username or password"),
        (parts.query, "URL must not contain a query"),
        (parts.fragment, "URL must not contain a fragment"),
    ):
        if wrong:
            errors.append(invalid_value(path, url, why))
    if parts.scheme == "https" and not parts.hostname:
        errors.append(invalid_value(path, url, "URL must have a host"))
    return errors


def _go_fault(url: str) -> str:
    """Go's words for a host or a port that is none."""
    if "[" in url and "]" not in url:
        return "missing ']' in host"
    found = re.search(r"\A[^/]*//[^/?#]*?(:[^\]@:/?#]*)(?=[/?#]|\Z)", url)
    return f"invalid port {quote(found[1])} after host" if found else ""


def _audience_errors(issuer: Issuer, path: Path) -> list[FieldError]:
    root, policy = path / "audiences", issuer.audienceMatchPolicy
    if not issuer.audiences:
        return [required(root, f"at least one {root} is required")]
    errors = []
    seen: set[str] = set()
    for i, audience in enumerate(issuer.audiences):
        if not audience:
            errors.append(required(root.index(i)))
        if audience in seen:
            errors.append(duplicate(root.index(i), audience))
        seen.add(audience)
    at = path / "audienceMatchPolicy"
    if len(issuer.audiences) > 1 and policy != "MatchAny":
        why = "audienceMatchPolicy must be MatchAny for multiple audiences"
        errors.append(invalid_value(at, policy, why))
    if len(issuer.audiences) == 1 and policy not in ("", "MatchAny"):
        why = "audienceMatchPolicy must be empty or MatchAny for single audience"
        errors.append(invalid_value(at, policy, why))
    return errors


def _key_errors(key: str, path: Path) -> list[FieldError]:
    errors = _domain_prefixed(key, path)
    if key != key.lower():
        errors.append(invalid_value(path, key, "must be lowercase"))
    domain, slash, _ = key.partition("/")
    reserved = ("k8s.io", "kubernetes.io")
    if slash and (domain in reserved or domain.endswith(tuple("." + name for name in reserved))):
        errors.append(invalid_value(path, key, _RESERVED))
    return errors


def _domain_prefixed(key: str, path: Path) -> list[FieldError]:
    if not key:
        return [required(path)]
    domain, _, rest = key.partition("/")
    if not domain or not rest:
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [invalid_value(path, key, why)]
    errors = [invalid_value(path, domain, text) for text in dns_subdomain(domain)]
    if not re.fullmatch(_HTTP_PATH, rest):
        errors.append(invalid_value(path, rest, regex_text("Invalid path", _HTTP_PATH)))
    return errors


def required_claims(authenticator: JWTAuthenticator) -> Mapping[str, str]:
    """The claims that must be there, with their values."""
    rules = authenticator.claimValidationRules
    return {rule.claim: rule.requiredValue for rule in rules if rule.claim}
