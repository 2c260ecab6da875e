"""Which issuers of tokens are believed, by a file that may change or by flags.

The rules of both, and of changes, are upstream's (``pkg/kubeapiserver/options/authentication.go``).
This module is imported when issuers are configured.
"""

from __future__ import annotations

import contextlib

from strongroom.access.authn.configuration import (
    API_VERSIONS,
    AnonymousAuthConfig,
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimValidationRule,
    Issuer,
    JWTAuthenticator,
    PrefixedClaimOrExpression,
)
from strongroom.access.authn.configuration_validation import validate_configuration
from strongroom.access.authn.jws import ALGORITHMS
from strongroom.api.clock import Clock
from strongroom.api.configuration import BadConfiguration, read_configuration, refuse
from strongroom.api.gotext import quote
from strongroom.api.validation import Path, forbidden_field
from strongroom.server.authentication_metrics import AuthenticationMetrics
from strongroom.server.authentication_options import OIDCOptions
from strongroom.server.issuers import Issuers, Judged
from strongroom.server.options import Options
from strongroom.server.reloading import BadFile, Reloading, read

_ANONYMOUS = Path("anonymous")


class AuthenticationConfig:
    """The issuers of now. Raises BadFile for what cannot be used at the start."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options.authentication
        self._disallowed = options.tokens.service_account_issuer
        self.metrics = AuthenticationMetrics(clock, options.node_name)
        self.issuers = Issuers(options.tokens.api_audiences, clock, self.metrics)
        self._reloading: Reloading | None = None
        if path := self._options.authentication_config:
            self._reloading = Reloading(
                [path], self._reload, what="issuers of tokens", counted=self.metrics.reloaded
            )
        judged = self._load()
        self.anonymous: AnonymousAuthConfig | None = judged.configuration.anonymous
        """What the file says of those who show nothing; it holds until the end."""
        if self.anonymous is not None and self._options.anonymous_auth is not None:
            why = (
                "--anonymous-auth flag cannot be set when anonymous field is configured in "
                "authentication configuration file"
            )
            raise BadFile(str(forbidden_field(_ANONYMOUS, why)))
        self.issuers.use(judged)

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Follow the file until ``stack`` ends it, and all that has been asked of issuers."""
        stack.push_async_callback(self.issuers.close)
        if self._reloading is not None:
            self._reloading.begin(stack)

    async def _reload(self) -> None:
        judged = self._load()
        if judged.configuration.anonymous != self.anonymous:
            why = "changed from initial configuration file"
            raise BadFile(str(forbidden_field(_ANONYMOUS, why)))
        await self.issuers.replace(judged)

    def _load(self) -> Judged:
        path, oidc = self._options.authentication_config, self._options.oidc
        if path is None:
            configuration = of_flags(oidc) if oidc else AuthenticationConfiguration()
            return self._judge(configuration, oidc.oidc_signing_algs if oidc else ())
        content = read(path)
        try:
            configuration = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
        except BadConfiguration as error:
            raise BadFile(
                f"failed to load authentication configuration from file {quote(str(path))}: {error}"
            ) from None
        # Any algorithm is as good as another where the keys say which they are for.
        judged = self._judge(configuration, ALGORITHMS)
        self.metrics.uses(content)
        return judged

    def _judge(
        self, configuration: AuthenticationConfiguration, algorithms: tuple[str, ...]
    ) -> Judged:
        compiled, errors = validate_configuration(configuration, self._disallowed)
        try:
            refuse(errors)
        except BadConfiguration as error:
            raise BadFile(f"invalid authentication configuration: {error}") from None
        return Judged(configuration, compiled, algorithms)


def of_flags(options: OIDCOptions) -> AuthenticationConfiguration:
    """The flags as a configuration."""
    url, claim = options.oidc_issuer_url, options.oidc_username_claim
    prefix = options.oidc_username_prefix
    if not prefix and claim != "email":
        prefix = f"{url}#"
    elif prefix == "-":
        prefix = ""
    mappings = ClaimMappings(username=PrefixedClaimOrExpression(claim=claim, prefix=prefix))
    if options.oidc_groups_claim:
        mappings.groups = PrefixedClaimOrExpression(
            claim=options.oidc_groups_claim, prefix=options.oidc_groups_prefix
        )
    authorities = options.oidc_ca_file
    issuer = Issuer(
        url=url,
        audiences=[options.oidc_client_id],
        certificateAuthority=_pem(read(authorities)) if authorities else "",
    )
    rules = [
        ClaimValidationRule(claim=name, requiredValue=value)
        for name, value in options.oidc_required_claim.items()
    ]
    return AuthenticationConfiguration(
        jwt=[JWTAuthenticator(issuer=issuer, claimMappings=mappings, claimValidationRules=rules)]
    )


def _pem(content: bytes) -> str:
    """Whatever is no PEM is found to be none when it is judged."""
    return content.decode("ascii", errors="replace")
