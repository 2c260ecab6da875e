"""Files of what is made for a pod: tokens, its certificates, and the authorities that it trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strongroom.node.atomicwriter import FileProjection
from strongroom.node.podcertificates import Bundle, CertificateUnavailable
from strongroom.node.tokens import TokenUnavailable, Wanted, wanted_by
from strongroom.node.trustbundles import BundleUnavailable, WantedBundle, bundle_wanted
from strongroom.node.volumes.permissions import owner_of
from strongroom.node.wantedcertificates import WantedCertificate, certificate_wanted
from strongroom.resources.pod import Pod
from strongroom.resources.pod_projection import (
    ClusterTrustBundleProjection,
    PodCertificateProjection,
    ServiceAccountTokenProjection,
    VolumeProjection,
)

_PRIVATE_MODE = 0o600

Unavailable = (TokenUnavailable, CertificateUnavailable, BundleUnavailable)
"""Why there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where files get their content. Each raises the exception of its kind in ``Unavailable``."""

    token: Callable[[Wanted], str]
    certificate: Callable[[WantedCertificate], Bundle]
    bundle: Callable[[WantedBundle], bytes]


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token, where its file is, and whose it is if the volume says so."""

    wanted: Wanted
    source: ServiceAccountTokenProjection

    def files(self, lookups: Lookups) -> dict[str, bytes]:
        return {self.source.path: lookups.token(self.wanted).encode()}


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its key, and where the volume wants them."""

    wanted: WantedCertificate
    source: PodCertificateProjection

    def files(self, lookups: Lookups) -> dict[str, bytes]:
        found, source = lookups.certificate(self.wanted), self.source
        contents = (
            (source.credentialBundlePath, found.key + found.chain),
            (source.keyPath, found.key),
            (source.certificateChainPath, found.chain),
        )
        return {path: content for path, content in contents if path}


@dataclass(frozen=True, slots=True)
class BundleFile:
    """Authorities, and where the volume wants them."""

    wanted: WantedBundle
    source: ClusterTrustBundleProjection

    def files(self, lookups: Lookups) -> dict[str, bytes]:
        try:
            return {self.source.path: lookups.bundle(self.wanted)}
        except BundleUnavailable:
            if self.source.optional:
                return {self.source.path: b""}
            raise


Made = TokenFile | CertificateFiles | BundleFile


def made_for(pod: Pod, source: VolumeProjection) -> Made | None:
    """What a source of a projected volume has made, if it is of this sort."""
    if (token := source.serviceAccountToken) is not None:
        return TokenFile(wanted_by(pod, token), token)
    if (certificate := source.podCertificate) is not None:
        return CertificateFiles(certificate_wanted(pod, certificate), certificate)
    if (bundle := source.clusterTrustBundle) is not None:
        return BundleFile(bundle_wanted(bundle), bundle)
    return None


def files_of(pod: Pod, part: Made, lookups: Lookups, mode: int) -> dict[str, FileProjection]:
    """The files of one source. They are their owner's alone, who is the user that all containers
    run as.

    Where the pod has a group for its volumes, permissions are widened for it afterwards. Only a
    pod that says nothing of either gets the volume's mode, so that whoever it runs as can read it.
    """
    user = part.source.user
    owner = user if user is not None else owner_of(pod)
    context = pod.spec.securityContext
    if owner is not None or (context is not None and context.fsGroup is not None):
        mode = _PRIVATE_MODE
    files = part.files(lookups)
    return {path: FileProjection(content, mode, owner) for path, content in files.items()}
