"""The rules of projected volumes and of the items and files that are put into volumes."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.path_rules import file_mode, projected_path
from strongroom.resources.pod_env_validation import field_errors, resource_errors
from strongroom.resources.pod_projection import (
    ClusterTrustBundleProjection,
    ConfigMapProjection,
    DownwardAPIVolumeFile,
    KeyToPath,
    PodCertificateProjection,
    ProjectedVolumeSource,
    SecretProjection,
    ServiceAccountTokenProjection,
    VolumeProjection,
)
from strongroom.resources.podcertificaterequest_validation import (
    life_errors,
    user_annotation_errors,
)
from strongroom.resources.signer_names import signer_name_errors

FILE_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
"""Fields of the pod that files may show, in the order of upstream's message."""

KEY_TYPES = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
"""The keys that nodes make for pods."""

CERTIFICATE_PATHS = ("credentialBundlePath", "keyPath", "certificateChainPath")
_NO_PATH = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"

_SHORTEST_TOKEN = 10 * 60
_LONGEST_TOKEN = 2**32
_CONFLICT = "conflicting duplicate paths"


def item_errors(items: Sequence[KeyToPath], path: Path) -> list[FieldError]:
    """All findings on the keys of a Secret or ConfigMap and their paths."""
    errors: list[FieldError] = []
    for i, item in enumerate(items):
        at = path.index(i)
        if not item.key:
            errors.append(required(at / "key"))
        if not item.path:
            errors.append(required(at / "path"))
        errors += projected_path(item.path, at / "path")
        errors += file_mode(item.mode, at / "mode")
    return errors


def downward_file_errors(file: DownwardAPIVolumeFile, path: Path) -> list[FieldError]:
    """All findings on a file that shows a field or resource of the pod."""
    errors = [] if file.path else [required(path / "path")]
    errors += projected_path(file.path, path / "path")
    if file.fieldRef:
        errors += field_errors(file.fieldRef, FILE_FIELDS, path / "fieldRef")
        if file.resourceFieldRef:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(invalid_value(path, "resource", detail))
    elif file.resourceFieldRef:
        at = path / "resourceFieldRef"
        errors += resource_errors(file.resourceFieldRef, at, in_volume=True)
    else:
        errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors + file_mode(file.mode, path / "mode")


def projected_errors(source: ProjectedVolumeSource, path: Path) -> list[FieldError]:
    """All findings on a projected volume."""
    errors = file_mode(source.defaultMode, path / "defaultMode")
    taken: set[str] = set()
    for i, projection in enumerate(source.sources):
        at = (path / "sources").index(i)
        errors += _projection_errors(projection, at, path)
        for file, shown in _paths_of(projection):
            if file in taken:
                errors.append(invalid_value(path, shown, _CONFLICT))
            taken.add(file)
        names = projection.__struct_fields__
        if sum(getattr(projection, name) is not None for name in names) > 1:
            detail = "may not specify more than 1 volume type per source"
            errors.append(forbidden_field(at, detail))
    return errors


def _projection_errors(source: VolumeProjection, at: Path, volume: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if source.secret:
        errors += _object_errors(source.secret, at / "secret")
    if source.configMap:
        errors += _object_errors(source.configMap, at / "configMap")
    if source.downwardAPI:
        for file in source.downwardAPI.items:
            errors += downward_file_errors(file, at / "downwardAPI")
    if source.serviceAccountToken:
        errors += _token_errors(source.serviceAccountToken, at / "serviceAccountToken", volume)
    if source.clusterTrustBundle:
        errors += _bundle_errors(source.clusterTrustBundle, at / "clusterTrustBundle")
    if source.podCertificate:
        errors += _certificate_errors(source.podCertificate, at / "podCertificate")
    return errors


def _object_errors(source: SecretProjection | ConfigMapProjection, path: Path) -> list[FieldError]:
    errors = [] if source.name else [required(path / "name")]
    return errors + item_errors(source.items, path / "items")


def _token_errors(
    token: ServiceAccountTokenProjection, path: Path, volume: Path
) -> list[FieldError]:
    errors = []
    seconds = token.expirationSeconds or 0
    if seconds < _SHORTEST_TOKEN:
        detail = "may not specify a duration less than 10 minutes"
        errors.append(invalid_value(path / "expirationSeconds", seconds, detail))
    if seconds > _LONGEST_TOKEN:
        detail = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid_value(path / "expirationSeconds", seconds, detail))
    # Upstream reports the token's path as if it stood in the volume itself.
    if not token.path:
        return [*errors, required(volume / "path")]
    return errors + projected_path(token.path, volume / "path")


def _bundle_errors(bundle: ClusterTrustBundleProjection, path: Path) -> list[FieldError]:
    errors = []
    if bundle.name is not None and bundle.signerName is not None:
        detail = "only one of name and signerName may be used"
        errors.append(invalid_value(path, bundle, detail))
    elif bundle.name is not None:
        if not bundle.name:
            errors.append(required(path / "name", "must be a valid object name"))
        if bundle.labelSelector:
            detail = "labelSelector must be unset if name is specified"
            errors.append(invalid_value(path / "labelSelector", bundle.labelSelector, detail))
    elif bundle.signerName is None:
        errors.append(required(path, "either name or signerName must be specified"))
    elif not bundle.signerName:
        errors.append(required(path / "signerName", "must be a valid signer name"))
    if not bundle.path:
        errors.append(required(path / "path"))
    return errors + projected_path(bundle.path, path / "path")


def _certificate_errors(source: PodCertificateProjection, path: Path) -> list[FieldError]:
    errors = signer_name_errors(path / "signerName", source.signerName)
    if source.keyType not in KEY_TYPES:
        errors.append(not_supported(path / "keyType", source.keyType, KEY_TYPES))
    if source.maxExpirationSeconds is not None:
        where = path / "maxExpirationSeconds"
        errors += life_errors(source.maxExpirationSeconds, source.signerName, where)
    errors += user_annotation_errors(source.userAnnotations, path / "userAnnotations")
    for field in CERTIFICATE_PATHS:
        if text := getattr(source, field):
            errors += projected_path(text, path / field)
    if not any(getattr(source, field) for field in CERTIFICATE_PATHS):
        errors.append(required(path, _NO_PATH))
    return errors


def _paths_of(source: VolumeProjection) -> list[tuple[str, str]]:
    """The files of a source that could collide, each with the value that upstream would print."""
    paths = []
    for items in (source.secret, source.configMap):
        if items:
            paths += [(item.path, items.name) for item in items.items if item.path]
    if source.downwardAPI:
        paths += [(file.path, file.path) for file in source.downwardAPI.items if file.path]
    if source.clusterTrustBundle:
        paths.append((source.clusterTrustBundle.path, source.clusterTrustBundle.path))
    if source.podCertificate:
        found = (getattr(source.podCertificate, field) for field in CERTIFICATE_PATHS)
        paths += [(path, path) for path in found if path]
    return paths
