"""Which admission plugins judge: ``--enable-admission-plugins``, ``--disable-admission-plugins``.

Names and rules are kube-apiserver's. All plugins that are here are on unless they are disabled.
"""

from __future__ import annotations

from collections.abc import Sequence

OURS = frozenset(
    {
        "CertificateApproval",
        "CertificateSigning",
        "CertificateSubjectRestriction",
        "ClusterTrustBundleAttest",
        "LimitRanger",
        "MutatingAdmissionWebhook",
        "NamespaceLifecycle",
        "NodeRestriction",
        "Priority",
        "ResourceQuota",
        "SecretInUse",
        "SecretUse",
        "ServiceAccount",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionWebhook",
    }
)
"""The plugins that can be switched."""

UPSTREAM_ONLY = frozenset(
    {
        "AlwaysAdmit",
        "AlwaysDeny",
        "AlwaysPullImages",
        "DefaultIngressClass",
        "DefaultStorageClass",
        "DefaultTolerationSeconds",
        "DenyServiceExternalIPs",
        "EventRateLimit",
        "ExtendedResourceToleration",
        "ImagePolicyWebhook",
        "JobValidation",
        "LimitPodHardAntiAffinityTopology",
        "MutatingAdmissionPolicy",
        "NamespaceAutoProvision",
        "NamespaceExists",
        "NodeDeclaredFeatureValidator",
        "OwnerReferencesPermissionEnforcement",
        "PersistentVolumeClaimResize",
        "PodGroupProtection",
        "PodGroupWorkloadExists",
        "PodNodeSelector",
        "PodResizeValidator",
        "PodSecurity",
        "PodTolerationRestriction",
        "PodTopologyLabels",
        "RuntimeClass",
        "StorageObjectInUseProtection",
        "TaintNodesByCondition",
    }
)
"""Plugins of kube-apiserver that are not here. To disable them is harmless; to ask for one and
not get it would not be."""


def named(values: Sequence[str]) -> frozenset[str]:
    """The names in the values of an option that may be repeated, each a list with commas."""
    return frozenset(name for value in values for name in value.split(",") if name)


def check(enabled: frozenset[str], disabled: frozenset[str]) -> str:
    """What is wrong with the two options, in kube-apiserver's words; "" when nothing is."""
    known = OURS | UPSTREAM_ONLY
    for option, names in (("enable", enabled), ("disable", disabled)):
        for name in sorted(names - known):
            return f'{option}-admission-plugins plugin "{name}" is unknown'
    if both := sorted(enabled & disabled):
        shown = " ".join(both)
        return f"[{shown}] in enable-admission-plugins and disable-admission-plugins overlapped"
    if missing := sorted(enabled - OURS):
        return f"strongroom has no admission plugin {', '.join(missing)}"
    return ""
