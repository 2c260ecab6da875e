"""Signers of people's own: an authority kept in a Secret of type kubernetes.io/tls.

Only Secrets of kube-system count, since whoever writes there rules the cluster anyway. The label
selects them, so that no other Secret is sent here; the annotation names the signer, whose name no
label could hold. Of several for one signer the oldest signs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from strongroom.api.durations import parse_duration
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.controllers.certificates.authority import Authority, UnusableAuthority, load
from strongroom.controllers.certificates.following import Shared
from strongroom.controllers.certificates.options import YEAR
from strongroom.resources import strongroom_annotations as own
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.signer_names import is_kubernetes_signer

NAMESPACE = "kube-system"
CERTIFICATE_KEY, PRIVATE_KEY, AUTHORITY_KEY = "tls.crt", "tls.key", "ca.crt"

Secrets = Shared[Secret]


@dataclass(frozen=True, slots=True)
class SecretAuthority:
    """An authority from a Secret, and for whom certificates are issued without being asked for.

    ``namespaces`` are those whose Secrets it fills (``*``: all), ``domains`` what these may be
    named after besides their own namespace's services.
    """

    authority: Authority = field(repr=False)
    longest: timedelta
    namespaces: frozenset[str]
    domains: frozenset[str]


def certificate_secrets(client: Client) -> Secrets:
    """Follows the Secrets that hold authorities, and those that are to hold certificates."""
    selector = f"{own.CERTIFICATE} in ({own.AUTHORITY},{own.ISSUED})"
    informer = Informer(client, SECRETS, label_selector=selector)
    informer.add_index("signer", lambda secret: (signer_of(secret),))
    return Shared(informer)


class SecretAuthorities:
    """Finds authorities among Secrets. What was read of one is kept until it changes."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._read: dict[str, tuple[str, SecretAuthority]] = {}

    async def start(self, changed: Callable[[str], None]) -> None:
        """Follow the Secrets; ``changed`` is told of signers whose authority may be another."""

        def on_secret(change: Change[Secret]) -> None:
            for secret in (change.obj, change.old):
                if secret is not None and is_authority(secret):
                    changed(signer_of(secret))

        await self._secrets.start()
        self._secrets.informer.add_handler(on_secret)

    async def close(self) -> None:
        """Follow them no more."""
        await self._secrets.close()

    def of(self, signer: str) -> tuple[Authority, timedelta] | None:
        """As :class:`strongroom.controllers.certificates.signer.Authorities` wants it."""
        found = self.find(signer)
        return None if found is None else (found.authority, found.longest)

    def find(self, signer: str) -> SecretAuthority | None:
        """The authority of a signer; None without one. Raises UnusableAuthority."""
        if not signer or is_kubernetes_signer(signer):
            return None
        claims = self._secrets.informer.by_index("signer", signer)
        secrets = sorted(filter(is_authority, claims), key=_age)
        if not secrets:
            self._read.pop(signer, None)
            return None
        chosen = secrets[0]
        version = f"{chosen.metadata.uid}/{chosen.metadata.resourceVersion}"
        known = self._read.get(signer)
        if known is None or known[0] != version:
            known = self._read[signer] = version, _authority(chosen)
        return known[1]


def is_authority(secret: Secret) -> bool:
    """Whether a Secret is one that holds an authority."""
    meta = secret.metadata
    marked = meta.labels.get(own.CERTIFICATE) == own.AUTHORITY
    return marked and meta.namespace == NAMESPACE


def signer_of(secret: Secret) -> str:
    """The signer that a Secret is for; empty when it names none."""
    return secret.metadata.annotations.get(own.SIGNER, "")


def duration_of(secret: Secret, default: timedelta) -> timedelta:
    """How long certificates are to last, as the Secret says. Raises ValueError."""
    text = secret.metadata.annotations.get(own.CERTIFICATE_DURATION, "")
    if not text:
        return default
    try:
        found = parse_duration(text)
    except ValueError:
        found = timedelta()
    if found <= timedelta():
        key = own.CERTIFICATE_DURATION
        raise ValueError(f"annotation {key}: expected a duration such as 2160h")
    return found


def listed(secret: Secret, annotation: str) -> frozenset[str]:
    """The names in an annotation that lists them with commas between."""
    words = secret.metadata.annotations.get(annotation, "").split(",")
    return frozenset(filter(None, (word.strip() for word in words)))


def _authority(secret: Secret) -> SecretAuthority:
    try:
        longest = duration_of(secret, YEAR)
    except ValueError as error:
        raise UnusableAuthority(str(error)) from error
    return SecretAuthority(
        load(secret.data.get(CERTIFICATE_KEY, b""), secret.data.get(PRIVATE_KEY, b"")),
        longest,
        listed(secret, own.CERTIFICATE_NAMESPACES),
        frozenset(d.lower() for d in listed(secret, own.DNS_DOMAINS)),
    )


def _age(secret: Secret) -> tuple[str, str]:
    return secret.metadata.creationTimestamp, secret.metadata.name
