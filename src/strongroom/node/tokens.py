"""Tokens of ServiceAccounts for the volumes of pods, renewed before they end.

Rules: ``pkg/kubelet/token/token_manager.go``. A token is asked for once for all volumes of a pod
that want the same; it is renewed when four fifths of its life are over, or a day. A token whose
renewal fails stays in use while it is valid. Nothing here tells a token: neither logs nor errors.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from strongroom.api import codec
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.errors import ClientFailure
from strongroom.client.paths import path_of
from strongroom.resources.pod import Pod
from strongroom.resources.pod_projection import ServiceAccountTokenProjection
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS
from strongroom.resources.tokenrequest import (
    BoundObjectReference,
    TokenRequest,
    TokenRequestSpec,
)

_log = logging.getLogger("strongroom.node")

LOOK_AGAIN = 60.0
"""Seconds between looks at the clock. Short sleeps, so that a machine that slept itself, whose
timers stood still meanwhile, finds out."""

_LONGEST_USE = timedelta(hours=24)
_MOST_JITTER = 10.0
_DEFAULT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token by what it is for. Two equal ones are one token."""

    namespace: str
    account: str
    pod: str
    pod_uid: str
    audience: str
    """Empty for the API server itself."""
    seconds: int

    def __str__(self) -> str:
        for_whom = self.audience or "the API server"
        return f"of service account {self.namespace}/{self.account} for {for_whom}"


def wanted_by(pod: Pod, source: ServiceAccountTokenProjection) -> Wanted:
    """The token that a source of a projected volume stands for."""
    seconds = source.expirationSeconds
    return Wanted(
        pod.metadata.namespace,
        pod.spec.serviceAccountName,
        pod.metadata.name,
        pod.metadata.uid,
        source.audience,
        _DEFAULT_SECONDS if seconds is None else seconds,
    )


class TokenUnavailable(Exception):
    """There is no valid token. The message is the kubelet's, and holds none."""


@dataclass(slots=True)
class _Held:
    """A token, since when and until when it is good, and who shows it."""

    token: str = field(repr=False)
    issued: datetime
    expires: datetime
    renew_at: datetime
    changed: set[Callable[[Wanted], object]] = field(default_factory=set)
    problem: str = ""


class Tokens:
    """All tokens of a node. ``start`` renewing them; ``close`` ends that."""

    def __init__(
        self,
        client: Client,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._held: dict[Wanted, _Held] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to renew."""
        self._task = asyncio.create_task(self._run(), name="tokens")

    async def close(self) -> None:
        """Forget all tokens."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._held.clear()

    async def fetch(self, wanted: Wanted, changed: Callable[[Wanted], object]) -> None:
        """Have a good token, for ``peek``; from now on ``changed`` runs when there is another.

        Raises :class:`TokenUnavailable`.
        """
        held = self._held.get(wanted)
        if held is None or self._is_due(held):
            try:
                held = await self._request(wanted)
            except (StatusError, ClientFailure) as error:
                held = self._held.get(wanted)
                if held is None:
                    raise TokenUnavailable(f"failed to fetch token: {error}") from error
                held.problem = str(error)
        held.changed.add(changed)

    def peek(self, wanted: Wanted) -> str:
        """The token. Raises :class:`TokenUnavailable` when there is none that is still valid."""
        held = self._held.get(wanted)
        if held is None:
            raise TokenUnavailable(f"failed to fetch token: none was asked for {wanted}")
        if held.expires <= self._clock.now():
            raise TokenUnavailable(f"token {wanted} expired and refresh failed: {held.problem}")
        return held.token

    def forget(self, pod_uid: str) -> None:
        """The pod has ended. Harmless if it never had a token."""
        for wanted in [each for each in self._held if each.pod_uid == pod_uid]:
            del self._held[wanted]

    async def renew_due(self) -> None:
        """Renew what is to be renewed now, and tell those who show it."""
        for wanted, held in list(self._held.items()):
            if not self._is_due(held) or wanted not in self._held:
                continue
            try:
                await self._request(wanted)
            except (StatusError, ClientFailure) as error:
                held.problem = str(error)
                _log.warning("token %s could not be renewed: %s", wanted, error)
                if held.expires > self._clock.now():
                    continue
            for changed in list(held.changed):
                changed(wanted)

    async def _run(self) -> None:
        while True:
            await self._sleep(LOOK_AGAIN)
            try:
                await self.renew_due()
            except Exception as error:  # noqa: BLE001 - one pod's trouble must not stop the others'
                # The type only: what broke may have been handling a token.
                _log.error("tokens: %s", type(error).__name__)

    async def _request(self, wanted: Wanted) -> _Held:
        """Ask the server for another token, and keep it while the pod is not forgotten."""
        before = self._held.get(wanted)
        response = await self._client.request(
            "POST",
            path_of(SERVICE_ACCOUNTS, wanted.namespace, wanted.account, "token"),
            body=codec.encode(_question(wanted)),
        )
        answer = codec.decode(response.body, TokenRequest, kind="TokenRequest").obj
        expires = parse_time(answer.status.expirationTimestamp)
        life = timedelta(seconds=answer.spec.expirationSeconds or wanted.seconds)
        issued = expires - life
        early = timedelta(seconds=_MOST_JITTER * self._jitter())
        renew_at = min(issued + _LONGEST_USE, expires - life / 5) - early
        held = _Held(answer.status.token, issued, expires, renew_at)
        if before is not None:
            held.changed = before.changed
            if wanted not in self._held:
                return held
        self._held[wanted] = held
        return held

    def _is_due(self, held: _Held) -> bool:
        now = self._clock.now()
        # Issued in the future: this clock was set back, and cannot tell the token's age.
        return now >= held.renew_at or now < held.issued


def _question(wanted: Wanted) -> TokenRequest:
    bound = BoundObjectReference(apiVersion="v1", kind="Pod", name=wanted.pod, uid=wanted.pod_uid)
    return TokenRequest(
        kind="TokenRequest",
        apiVersion="authentication.k8s.io/v1",
        spec=TokenRequestSpec(
            audiences=[wanted.audience] if wanted.audience else [],
            expirationSeconds=wanted.seconds,
            boundObjectRef=bound,
        ),
    )
