"""Bootstrap tokens as bearer tokens: how a node that is to join says who it is.

Source: ``plugin/pkg/auth/authenticator/token/bootstrap``.
"""

from __future__ import annotations

import hmac

from strongroom.access.authn.objects import Objects
from strongroom.access.authn.port import Authenticated
from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.resources.bootstrap_token import (
    AUTHENTICATION,
    ID_KEY,
    NAMESPACE,
    SECRET_KEY,
    allows,
    groups_of,
    has_expired,
    parse_token,
    secret_name,
    value,
)
from strongroom.resources.secret import BOOTSTRAP_TOKEN, Secret

USER_PREFIX = "system:bootstrap:"


class BootstrapTokens:
    """Users from tokens that a Secret in kube-system holds.

    The Secret is read for every request, so that a token ends with it. Whatever is wrong with a
    token, who shows it learns no more than that it is of no use.
    """

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

    async def authenticate_token(self, token: str) -> Authenticated | None:
        """Whose the token is: its own id's. Raises StatusError when the store cannot tell."""
        parts = parse_token(token)
        if parts is None:
            return None
        token_id, shown = parts
        secret = await self._objects.get("secrets", NAMESPACE, secret_name(token_id))
        if not isinstance(secret, Secret) or not self._holds(secret, token_id, shown):
            return None
        try:
            groups = groups_of(secret)
        except ValueError:
            return None
        return Authenticated(User(USER_PREFIX + token_id, groups=groups))

    def _holds(self, secret: Secret, token_id: str, shown: str) -> bool:
        if secret.metadata.deletionTimestamp or secret.type != BOOTSTRAP_TOKEN:
            return False
        # In constant time: how long it takes must not tell how much of the secret was right.
        if not hmac.compare_digest(secret.data.get(SECRET_KEY, b""), shown.encode()):
            return False
        return (
            value(secret, ID_KEY) == token_id
            and not has_expired(secret, self._clock.now())
            and allows(secret, AUTHENTICATION)
        )
