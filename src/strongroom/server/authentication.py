"""Who makes a request: all authenticators of this server, in upstream's order.

A proxy's headers, a client certificate, a bearer token (of the token file, of a ServiceAccount, a
bootstrap token, of an OIDC issuer, whatever a webhook knows), and nobody. Source:
``pkg/kubeapiserver/authenticator/config.go``.
"""

from __future__ import annotations

from strongroom.access.authn.anonymous import Anonymous
from strongroom.access.authn.bearer import BearerTokens
from strongroom.access.authn.port import AudienceAwareAuthenticator, Authenticator
from strongroom.access.authn.requestheader import RequestHeaderAuthenticator
from strongroom.access.authn.union import GroupAdder, UnionAuthenticator
from strongroom.access.authn.x509 import X509Authenticator
from strongroom.api.clock import Clock
from strongroom.server.authentication_options import AuthenticationOptions
from strongroom.server.clusterinfo import PATH as CLUSTER_INFO
from strongroom.server.options import Options
from strongroom.server.tls_files import TLSFiles
from strongroom.server.tls_options import TLSOptions
from strongroom.server.tokens import Tokens

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version", CLUSTER_INFO})
"""What may be read without credentials, as upstream's ``system:public-info-viewer`` and kubeadm
allow."""


class Authentication:
    """The authenticators, put together."""

    def __init__(self, options: Options, clock: Clock, tokens: Tokens, tls: TLSFiles) -> None:
        bearers: list[AudienceAwareAuthenticator] = [*tokens.authenticators]
        self.reviewer = BearerTokens(bearers, options.tokens.api_audiences)
        """Whom a TokenReview asks."""
        requests: list[Authenticator] = [
            *_proxies(options.tls, tls, clock),
            X509Authenticator(tls.clients, clock),
            self.reviewer,
        ]
        self.authenticator = _with_anonymous(UnionAuthenticator(requests), options.authentication)
        """Who makes a request."""

    async def close(self) -> None:
        """End what is under way."""


def _proxies(options: TLSOptions, tls: TLSFiles, clock: Clock) -> list[Authenticator]:
    """The authenticator of proxies' headers, if there are proxies."""
    if options.requestheader_client_ca_file is None:
        return []
    names = options.requestheader_allowed_names
    return [RequestHeaderAuthenticator(tls.proxies, clock, options.proxy_headers, names)]


def _with_anonymous(inner: Authenticator, options: AuthenticationOptions) -> Authenticator:
    inner = GroupAdder(inner)
    match options.anonymous_auth:
        case False:
            return inner
        case True:
            return Anonymous(inner, None)
        case None:
            return Anonymous(inner, PUBLIC_PATHS)
