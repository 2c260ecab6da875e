"""Who makes a request: all authenticators of this server, in upstream's order.

A proxy's headers, a client certificate, a bearer token (of the token file, of a ServiceAccount, a
bootstrap token, of an OIDC issuer, whatever a webhook knows), and nobody. Source:
``pkg/kubeapiserver/authenticator/config.go``.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from strongroom.access.authn.anonymous import Anonymous
from strongroom.access.authn.bearer import BearerTokens, ForServer
from strongroom.access.authn.port import AudienceAwareAuthenticator, Authenticator
from strongroom.access.authn.requestheader import RequestHeaderAuthenticator
from strongroom.access.authn.union import GroupAdder, UnionAuthenticator
from strongroom.access.authn.x509 import X509Authenticator
from strongroom.access.authz.modes import ALWAYS_ALLOW
from strongroom.api.clock import Clock
from strongroom.server.clusterinfo import PATH as CLUSTER_INFO
from strongroom.server.options import Options
from strongroom.server.tls_files import TLSFiles
from strongroom.server.tls_options import TLSOptions
from strongroom.server.tokens import Tokens
from strongroom.telemetry import log

if TYPE_CHECKING:
    from strongroom.access.authn.configuration import AnonymousAuthConfig
    from strongroom.server.authentication_config import AuthenticationConfig

logger = logging.getLogger("strongroom.server")

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version", CLUSTER_INFO})
"""What may be read without credentials, as upstream's ``system:public-info-viewer`` and kubeadm
allow."""

_NOT_ALLOWED = (
    "AnonymousAuth is not allowed with the AlwaysAllow authorizer: only public paths are open"
)


class Authentication:
    """The authenticators, put together."""

    def __init__(self, options: Options, clock: Clock, tokens: Tokens, tls: TLSFiles) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._config = _configured(options, clock)
        bearers: list[AudienceAwareAuthenticator] = [
            *_token_file(options, self._stack),
            *tokens.authenticators,
        ]
        if self._config is not None:
            self._config.begin(self._stack)
            bearers.append(self._config.issuers)
        bearers += _webhook(options, clock, self._stack)
        self.reviewer = BearerTokens(bearers, options.tokens.api_audiences)
        """Whom a TokenReview asks."""
        requests: list[Authenticator] = [
            *_proxies(options.tls, tls, clock),
            X509Authenticator(tls.clients, clock),
            self.reviewer,
        ]
        nobody = open_paths(options, self._config.anonymous if self._config else None)
        self.authenticator = Anonymous(GroupAdder(UnionAuthenticator(requests)), nobody)
        """Who makes a request."""

    def attach(self, metrics: CollectorRegistry) -> None:
        """Show what is counted."""
        if self._config is not None:
            self._config.metrics.attach(metrics)

    async def close(self) -> None:
        """End what is under way."""
        await self._stack.aclose()


def _token_file(
    options: Options, stack: contextlib.AsyncExitStack
) -> list[AudienceAwareAuthenticator]:
    path = options.authentication.token_auth_file
    if path is None:
        return []
    from strongroom.server.token_file import follow_token_file

    return [ForServer(follow_token_file(path, stack), options.tokens.api_audiences)]


def _webhook(
    options: Options, clock: Clock, stack: contextlib.AsyncExitStack
) -> list[AudienceAwareAuthenticator]:
    """The webhook. As upstream the last, for it is the slowest and sees every token."""
    path = options.token_webhook.authentication_token_webhook_config_file
    if path is None:
        return []
    from strongroom.server.token_webhook import follow_token_webhook

    audiences = options.tokens.api_audiences
    return [follow_token_webhook(options.token_webhook, path, audiences, clock, stack)]


def _configured(options: Options, clock: Clock) -> AuthenticationConfig | None:
    """The issuers. Few servers have any, and no other imports what they need."""
    settings = options.authentication
    if settings.authentication_config is None and settings.oidc is None:
        return None
    from strongroom.server.authentication_config import AuthenticationConfig

    return AuthenticationConfig(options, clock)


def _proxies(options: TLSOptions, tls: TLSFiles, clock: Clock) -> list[Authenticator]:
    """The authenticator of proxies' headers, if there are proxies."""
    if options.requestheader_client_ca_file is None:
        return []
    names = options.requestheader_allowed_names
    return [RequestHeaderAuthenticator(tls.proxies, clock, options.proxy_headers, names)]


def open_paths(options: Options, configured: AnonymousAuthConfig | None) -> frozenset[str] | None:
    """Where those who show nothing are let in; None is everywhere."""
    enabled, paths = options.authentication.anonymous_auth, None
    if configured is not None:
        enabled = configured.enabled
        paths = frozenset(condition.path for condition in configured.conditions) or None
    if enabled is None:
        return PUBLIC_PATHS
    if not enabled:
        return frozenset()
    if ALWAYS_ALLOW in options.authorization.authorization_mode:
        log(logger, logging.WARNING, _NOT_ALLOWED)
        return PUBLIC_PATHS
    return paths
