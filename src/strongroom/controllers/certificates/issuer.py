"""Fills Secrets that ask for a certificate, and renews them when two thirds of its life are over.

A Secret asks by a label and annotations; see docs/certificates.md. Its pods see the new files a
moment later, as with every change of a Secret.
"""

from __future__ import annotations

import base64
import logging
from datetime import timedelta
from typing import Literal

from strongroom.api.clock import Clock
from strongroom.api.times import format_time
from strongroom.client.client import Client
from strongroom.client.events import EventRecorder, reference
from strongroom.client.informer import Change
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.authority import UnusableAuthority
from strongroom.controllers.certificates.issuing import NotIssued, issue, renewal, wish_of
from strongroom.controllers.certificates.secret_authorities import (
    SecretAuthorities,
    SecretAuthority,
    Secrets,
    is_authority,
    signer_of,
)
from strongroom.controllers.controller import Key
from strongroom.resources import strongroom_annotations as own
from strongroom.resources.secret import SECRETS, Secret

_log = logging.getLogger("strongroom.controllers")

LONGEST_SLEEP = 3600.0
"""Seconds after which a certificate is looked at again in any case: clocks may be set."""

LONGEST_TEXT = 500
"""Characters of what is said of a Secret: its annotations may name any number of names."""


class CertificateIssuer:
    """Keys are the Secrets that ask."""

    name = "certificate-issuer"
    workers = 2

    def __init__(
        self,
        client: Client,
        secrets: Secrets,
        authorities: SecretAuthorities,
        events: EventRecorder,
        clock: Clock,
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.5, limit=300.0)
        self._client = client
        self._secrets = secrets
        self._authorities = authorities
        self._events = events
        self._clock = clock

    async def start(self) -> None:
        await self._secrets.start()
        # All authorities are known by now: none is missed by a Secret that comes first.
        self._secrets.informer.add_handler(self._on_secret)

    async def close(self) -> None:
        await self._secrets.close()

    def _on_secret(self, change: Change[Secret]) -> None:
        secret = change.obj
        if is_authority(secret):
            signer = signer_of(secret)
            for each in self._secrets.informer.by_index("signer", signer):
                self._ask(each)
        elif change.type != "deleted":
            self._ask(secret)

    def _ask(self, secret: Secret) -> None:
        if _asks(secret):
            self.queue.add((secret.metadata.namespace, secret.metadata.name))

    async def reconcile(self, key: Key) -> None:
        secret = self._secrets.informer.get(*key)
        if secret is None or not _asks(secret):
            return
        signer = signer_of(secret)
        try:
            source = self._authorities.find(signer)
            if source is None:
                raise NotIssued(f"there is no authority for signer {signer}")
            left = await self._renewed(secret, source)
        except (NotIssued, UnusableAuthority) as error:
            self._tell(secret, "Warning", "CertificateNotIssued", str(error))
            return
        self.queue.add_after(key, min(left / timedelta(seconds=1), LONGEST_SLEEP))

    async def _renewed(self, secret: Secret, source: SecretAuthority) -> timedelta:
        """Renew if it is time; how long it is until the next time. Raises NotIssued."""
        wish, now = wish_of(secret, source), self._clock.now()
        due = renewal(secret, wish, source.authority)
        if due is not None and due > now:
            return due - now
        if secret.immutable:
            raise NotIssued("the Secret is immutable")
        issued = issue(wish, source.authority, now)
        meta = secret.metadata
        data = {key: base64.b64encode(value).decode() for key, value in issued.data.items()}
        # As of the state that was judged: what changed meanwhile is looked at first.
        body = {"metadata": {"resourceVersion": meta.resourceVersion}, "data": data}
        changed = await self._client.patch(SECRETS, meta.name, meta.namespace, body)
        due = renewal(changed, wish, source.authority) or now
        text = f"Issued a certificate for {', '.join(wish.names)}; next at {format_time(due)}"
        self._tell(secret, "Normal", "CertificateIssued", text)
        return max(due - now, timedelta())

    def _tell(
        self, secret: Secret, type_: Literal["Normal", "Warning"], reason: str, text: str
    ) -> None:
        meta = secret.metadata
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + "…"
        _log.info("%s: %s/%s: %s", self.name, meta.namespace, meta.name, text)
        self._events.record(reference(secret), type_, reason, text)


def _asks(secret: Secret) -> bool:
    return secret.metadata.labels.get(own.CERTIFICATE) == own.ISSUED
