"""Volumes made of API objects: Secrets, ConfigMaps, pod fields, tokens and certificates."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.meta import LabelSelector
from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_env import ObjectFieldSelector, ResourceFieldSelector


class KeyToPath(Struct):
    """Puts one key of a Secret or ConfigMap at a path."""

    key: Annotated[str, F(1, "The key.", required=True)] = always(str)
    path: Annotated[str, F(2, "Path of the file below the volume's root.", required=True)] = always(
        str
    )
    mode: Annotated[
        int | None,
        F(3, "Mode bits of the file, 0 to 0777; the volume's default if unset.", format="int32"),
    ] = None
    user: Annotated[
        int | None, F(4, "User that owns the file; the volume's default if unset.", format="int64")
    ] = None


class DownwardAPIVolumeFile(Struct):
    """Puts a field of the pod into a file."""

    path: Annotated[str, F(1, "Path of the file below the volume's root.", required=True)] = always(
        str
    )
    fieldRef: Annotated[ObjectFieldSelector | None, F(2, "A field of the pod.")] = None
    resourceFieldRef: Annotated[
        ResourceFieldSelector | None, F(3, "A limit or request of a container.")
    ] = None
    mode: Annotated[
        int | None,
        F(4, "Mode bits of the file, 0 to 0777; the volume's default if unset.", format="int32"),
    ] = None
    user: Annotated[
        int | None, F(5, "User that owns the file; the volume's default if unset.", format="int64")
    ] = None


class SecretProjection(Struct):
    """Puts the keys of a Secret into a projected volume."""

    name: Annotated[str, F(1, "Name of the Secret.", within=1, refers="Secret")] = ""
    items: Annotated[
        list[KeyToPath],
        F(
            2,
            "Keys and their paths; all keys under their own names by default.",
            list_type="atomic",
        ),
    ] = []
    optional: Annotated[bool | None, F(4, "Whether the Secret or its keys may be missing.")] = None


class ConfigMapProjection(Struct):
    """Puts the keys of a ConfigMap into a projected volume."""

    name: Annotated[str, F(1, "Name of the ConfigMap.", within=1, refers="ConfigMap")] = ""
    items: Annotated[
        list[KeyToPath],
        F(
            2,
            "Keys and their paths; all keys under their own names by default.",
            list_type="atomic",
        ),
    ] = []
    optional: Annotated[bool | None, F(4, "Whether the ConfigMap or its keys may be missing.")] = (
        None
    )


class DownwardAPIProjection(Struct):
    """Puts fields of the pod into a projected volume."""

    items: Annotated[list[DownwardAPIVolumeFile], F(1, "The files.", list_type="atomic")] = []


class ServiceAccountTokenProjection(Struct):
    """Puts a token of the pod's service account into a projected volume."""

    audience: Annotated[str, F(1, "Whom the token is for; the API server by default.")] = ""
    expirationSeconds: Annotated[
        int | None,
        F(
            2,
            "How long the token is valid; it is renewed before. 3600 by default, 600 at least.",
            format="int64",
        ),
    ] = None
    path: Annotated[str, F(3, "Path of the file below the volume's root.", required=True)] = always(
        str
    )
    user: Annotated[
        int | None, F(4, "User that owns the file; the volume's default if unset.", format="int64")
    ] = None


class ClusterTrustBundleProjection(Struct):
    """Puts CA certificates into a projected volume."""

    name: Annotated[str | None, F(1, "Name of one bundle.")] = None
    signerName: Annotated[
        str | None, F(2, "Signer whose bundles are taken, instead of one name.")
    ] = None
    labelSelector: Annotated[LabelSelector | None, F(3, "The bundles of the signer, by label.")] = (
        None
    )
    optional: Annotated[bool | None, F(5, "Whether the bundle may be missing.")] = None
    path: Annotated[str, F(4, "Path of the file below the volume's root.", required=True)] = always(
        str
    )
    user: Annotated[
        int | None, F(6, "User that owns the file; the volume's default if unset.", format="int64")
    ] = None


class PodCertificateProjection(Struct):
    """Puts a certificate for the pod and its key into a projected volume."""

    signerName: Annotated[str, F(1, "Signer of the certificate.", required=True)] = ""
    keyType: Annotated[str, F(2, "Type of the key that is made.", required=True)] = ""
    maxExpirationSeconds: Annotated[
        int | None, F(3, "How long the certificate may be valid at most.", format="int32")
    ] = None
    credentialBundlePath: Annotated[str, F(4, "Path of the file with key and certificates.")] = ""
    keyPath: Annotated[str, F(5, "Path of the file with the key.")] = ""
    certificateChainPath: Annotated[str, F(6, "Path of the file with the certificates.")] = ""
    userAnnotations: Annotated[dict[str, str], F(7, "Further information for the signer.")] = {}
    user: Annotated[
        int | None, F(8, "User that owns the files; the volume's default if unset.", format="int64")
    ] = None


class VolumeProjection(Struct):
    """One source of a projected volume; exactly one is set."""

    secret: Annotated[SecretProjection | None, F(1, "Keys of a Secret.")] = None
    downwardAPI: Annotated[DownwardAPIProjection | None, F(2, "Fields of the pod.")] = None
    configMap: Annotated[ConfigMapProjection | None, F(3, "Keys of a ConfigMap.")] = None
    serviceAccountToken: Annotated[
        ServiceAccountTokenProjection | None, F(4, "A token of the service account.")
    ] = None
    clusterTrustBundle: Annotated[ClusterTrustBundleProjection | None, F(5, "CA certificates.")] = (
        None
    )
    podCertificate: Annotated[
        PodCertificateProjection | None, F(6, "A certificate for the pod.")
    ] = None


class ProjectedVolumeSource(Struct):
    """Several sources in one directory; later ones win."""

    sources: Annotated[list[VolumeProjection], F(1, "The sources.", list_type="atomic")] = always(
        list
    )
    defaultMode: Annotated[
        int | None, F(2, "Mode bits of files that name none; 0644 by default.", format="int32")
    ] = None
    defaultUser: Annotated[
        int | None, F(3, "User that owns files that name none.", format="int64")
    ] = None


class SecretVolumeSource(Struct):
    """The keys of a Secret as files."""

    secretName: Annotated[str, F(1, "Name of the Secret.", refers="Secret")] = ""
    items: Annotated[
        list[KeyToPath],
        F(
            2,
            "Keys and their paths; all keys under their own names by default.",
            list_type="atomic",
        ),
    ] = []
    defaultMode: Annotated[
        int | None, F(3, "Mode bits of files that name none; 0644 by default.", format="int32")
    ] = None
    optional: Annotated[bool | None, F(4, "Whether the Secret or its keys may be missing.")] = None
    defaultUser: Annotated[
        int | None, F(5, "User that owns files that name none.", format="int64")
    ] = None


class ConfigMapVolumeSource(Struct):
    """The keys of a ConfigMap as files."""

    name: Annotated[str, F(1, "Name of the ConfigMap.", within=1, refers="ConfigMap")] = ""
    items: Annotated[
        list[KeyToPath],
        F(
            2,
            "Keys and their paths; all keys under their own names by default.",
            list_type="atomic",
        ),
    ] = []
    defaultMode: Annotated[
        int | None, F(3, "Mode bits of files that name none; 0644 by default.", format="int32")
    ] = None
    optional: Annotated[bool | None, F(4, "Whether the ConfigMap or its keys may be missing.")] = (
        None
    )
    defaultUser: Annotated[
        int | None, F(5, "User that owns files that name none.", format="int64")
    ] = None


class DownwardAPIVolumeSource(Struct):
    """Fields of the pod as files."""

    items: Annotated[list[DownwardAPIVolumeFile], F(1, "The files.", list_type="atomic")] = []
    defaultMode: Annotated[
        int | None, F(2, "Mode bits of files that name none; 0644 by default.", format="int32")
    ] = None
    defaultUser: Annotated[
        int | None, F(3, "User that owns files that name none.", format="int64")
    ] = None
