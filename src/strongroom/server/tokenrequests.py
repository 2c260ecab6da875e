"""``POST serviceaccounts/NAME/token``: tokens for those who may ask for them.

Source: ``pkg/registry/core/serviceaccount/storage/token.go``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from strongroom.access.authn.accounts import credential_id
from strongroom.access.authn.claims import Named
from strongroom.access.authn.issuing import NoSigningKey, Order
from strongroom.api.errors import (
    GroupResource,
    StatusError,
    bad_request,
    conflict,
    internal_error,
    invalid,
)
from strongroom.api.gotext import quote
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.times import format_time
from strongroom.api.validation import Path, invalid_value
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.view import Form, View
from strongroom.resources.pod import Pod
from strongroom.resources.serviceaccount import ServiceAccount
from strongroom.resources.tokenrequest import (
    TOKEN_REQUESTS,
    BoundObjectReference,
    TokenRequest,
    is_webhook,
)
from strongroom.server.kinds import Kinds
from strongroom.server.tokens import Tokens

WARN_AFTER = 3607
"""The lifetime by which pods' own tokens are known: an hour, and 7 seconds that nobody else asks
for. They live for a year, and who does not renew them in time is told of in the audit log."""

EXTENDED = 365 * 24 * 3600

ISSUED = "authentication.kubernetes.io/issued-credential-id"

_GATE = "APIServerWebhookAuthenticationToken"
"""Alpha in 1.37, and off."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a token is to be bound to."""

    uid: str
    pod: Named | None = None
    node: Named | None = None
    secret: Named | None = None


class TokenRequests:
    """Answers TokenRequests."""

    def __init__(self, kinds: Kinds, tokens: Tokens) -> None:
        self._kinds = kinds
        self._tokens = tokens
        self._form: Form[TokenRequest] = Form(TOKEN_REQUESTS)

    async def answer(
        self, ctx: RequestContext, namespace: str, name: str, request: TokenRequest
    ) -> View[TokenRequest]:
        """The request with its token.

        Raises StatusError 400 (bound to what it cannot be), 404 (no such account or object), 409
        (another UID), 422, and whatever admission refuses with.
        """
        accounts: Registry[ServiceAccount] = self._kinds.registry("", "serviceaccounts")
        request.kind, request.apiVersion = TOKEN_REQUESTS.kind, TOKEN_REQUESTS.api_version
        _match_namespace(request.metadata, namespace)
        await accounts.admission.mutate(ctx, "CREATE", request, None)
        _match_name(request.metadata, namespace, name)
        account = (await accounts.get(ctx, namespace, name)).obj.metadata
        self._complete(ctx, request, account)
        if errors := TOKEN_REQUESTS.validate(request):
            raise invalid(TOKEN_REQUESTS.group_kind, "", errors)
        await accounts.admission.validate(ctx, "CREATE", request, None)
        bound = await self._bind(ctx, request, account)
        self._issue(ctx, request, account, bound)
        return self._form.unstored(request, namespace, name, 0)

    def _complete(self, ctx: RequestContext, request: TokenRequest, account: ObjectMeta) -> None:
        """Fill in what the request leaves open. Raises StatusError 409 for another UID."""
        meta, spec = request.metadata, request.spec
        if meta.uid and meta.uid != account.uid:
            raise conflict(
                GroupResource(TOKEN_REQUESTS.group, TOKEN_REQUESTS.kind),
                account.name,
                f"the UID in the token request ({meta.uid}) does not match the UID of the service "
                f"account ({account.uid})",
            )
        meta.name, meta.namespace, meta.uid = account.name, account.namespace, account.uid
        meta.creationTimestamp = format_time(ctx.now)
        spec.audiences = spec.audiences or list(self._tokens.options.api_audiences)
        TOKEN_REQUESTS.default(request)
        request.status.token = request.status.expirationTimestamp = ""

    async def _bind(
        self, ctx: RequestContext, request: TokenRequest, account: ObjectMeta
    ) -> _Bound:
        """What the token is to be bound to. Raises StatusError 400, 404, 409."""
        reference = request.spec.boundObjectRef
        if reference is None:
            return _Bound("")
        kind, core = reference.kind, "/" not in reference.apiVersion
        if core and kind == "Pod":
            bound = await self._to_pod(ctx, account, reference.name)
        elif core and kind == "Node":
            node = await self._look(ctx, "nodes", "", reference.name)
            bound = _Bound(node.metadata.uid, node=_named(node))
        elif core and kind == "Secret":
            secret = await self._look(ctx, "secrets", account.namespace, reference.name)
            bound = _Bound(secret.metadata.uid, secret=_named(secret))
        else:
            raise _cannot_bind(reference)
        if reference.uid and reference.uid != bound.uid:
            raise conflict(
                GroupResource("", kind),
                reference.name,
                f"the UID in the bound object reference ({reference.uid}) does not match the UID "
                "in record. The object might have been deleted and then recreated",
            )
        return bound

    async def _to_pod(self, ctx: RequestContext, account: ObjectMeta, name: str) -> _Bound:
        pod = await self._look(ctx, "pods", account.namespace, name)
        if not isinstance(pod, Pod) or pod.spec.serviceAccountName != account.name:
            raise bad_request(
                f"cannot bind token for serviceaccount {quote(account.name)} to pod running with "
                "different serviceaccount name."
            )
        node = None
        if pod.spec.nodeName:
            try:
                node = _named(await self._look(ctx, "nodes", "", pod.spec.nodeName))
            except StatusError as error:
                if error.code != 404:
                    raise
                # The name alone still tells people where the pod is.
                node = Named(pod.spec.nodeName)
        return _Bound(pod.metadata.uid, pod=_named(pod), node=node)

    async def _look(self, ctx: RequestContext, plural: str, namespace: str, name: str) -> Object:
        registry: Registry[Any] = self._kinds.registry("", plural)
        found: Object = (await registry.get(ctx, namespace, name)).peek()
        return found

    def _issue(
        self, ctx: RequestContext, request: TokenRequest, account: ObjectMeta, bound: _Bound
    ) -> None:
        """Make the token. Raises StatusError 500 when there is no key to sign it with."""
        spec, options = request.spec, self._tokens.options
        most = options.service_account_max_token_expiration
        seconds = _shortened(ctx, spec.expirationSeconds or 0, most)
        spec.expirationSeconds = seconds
        audiences = tuple(spec.audiences)
        order = Order(
            account, audiences, seconds, pod=bound.pod, node=bound.node, secret=bound.secret
        )
        own = set(audiences) <= set(options.api_audiences)
        extend = options.service_account_extend_token_expiration
        if extend and own and bound.pod is not None and seconds == WARN_AFTER:
            order = replace(order, seconds=EXTENDED, warn_after=seconds)
        try:
            issued = self._tokens.issuer.issue(order, ctx.now)
        except NoSigningKey as error:
            raise internal_error(f"failed to generate token: {error}") from error
        request.status.token = issued.token
        request.status.expirationTimestamp = _end(ctx, seconds)
        ctx.annotate(ISSUED, credential_id(issued.id))


def _match_namespace(meta: ObjectMeta, namespace: str) -> None:
    if meta.namespace not in ("", namespace):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta.namespace = namespace


def _match_name(meta: ObjectMeta, namespace: str, name: str) -> None:
    """Refuse another account's name than the URL's; admission may have put it there too."""
    for field, given, wanted in (
        ("name", meta.name, name),
        ("namespace", meta.namespace, namespace),
    ):
        if given and given != wanted:
            why = f"must match the service account {field} if specified"
            errors = [invalid_value(Path("metadata") / field, given, why)]
            raise invalid(TOKEN_REQUESTS.group_kind, name, errors)


def _named(obj: Object) -> Named:
    return Named(obj.metadata.name, obj.metadata.uid)


def _cannot_bind(reference: BoundObjectReference) -> StatusError:
    group, _, version = reference.apiVersion.rpartition("/")
    kind = f"{group}/{version}, Kind={reference.kind}"
    off = f" (feature gate {_GATE} is disabled)" if is_webhook(reference) else ""
    return bad_request(f"cannot bind token to object of type {kind}{off}")


def _shortened(ctx: RequestContext, seconds: int, most: int) -> int:
    if not most or seconds <= most:
        return seconds
    ctx.tell(f"requested expiration of {seconds} seconds shortened to {most} seconds")
    return most


def _end(ctx: RequestContext, seconds: int) -> str:
    return format_time(ctx.now + timedelta(seconds=seconds))
