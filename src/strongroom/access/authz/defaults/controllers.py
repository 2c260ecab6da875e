"""Roles for controllers, one each, bound to the service account of the same name."""

from __future__ import annotations

from strongroom.access.authz.defaults.words import (
    EVENTS,
    READ,
    accounts,
    can,
    cluster_role,
    to_all,
)
from strongroom.resources.rbac import PolicyRule

PREFIX = "system:controller:"
_APPS, _OLD_APPS, _BATCH = "apps", "apps extensions", "batch"
_CERTIFICATES, _STORAGE = "certificates.k8s.io", "storage.k8s.io"
_RESOURCES, _NETWORKING = "resource.k8s.io", "networking.k8s.io"
_DISCOVERY, _POLICIES = "discovery.k8s.io", "admissionregistration.k8s.io"
_PODS = can("list watch create delete patch", "pods")

_RULES: dict[str, tuple[PolicyRule, ...]] = {
    "attachdetach-controller": (
        can("list watch", "persistentvolumes persistentvolumeclaims"),
        can(READ, "nodes"),
        can("patch update", "nodes/status"),
        can("list watch", "pods"),
        EVENTS,
        can("get create delete list watch", "volumeattachments", _STORAGE),
        can(READ, "csidrivers", _STORAGE),
        can(READ, "csinodes", _STORAGE),
    ),
    "clusterrole-aggregation-controller": (
        can(f"escalate {READ} update patch", "clusterroles", "rbac.authorization.k8s.io"),
    ),
    "cronjob-controller": (
        can(f"{READ} update", "cronjobs", _BATCH),
        can(f"{READ} create update delete patch", "jobs", _BATCH),
        can("update", "cronjobs/status", _BATCH),
        can("update", "cronjobs/finalizers", _BATCH),
        can("list watch delete", "pods"),
        EVENTS,
    ),
    "daemon-set-controller": (
        can(READ, "daemonsets", _OLD_APPS),
        can("update", "daemonsets/status", _OLD_APPS),
        can("update", "daemonsets/finalizers", _OLD_APPS),
        can("list watch", "nodes"),
        _PODS,
        can("create", "pods/binding"),
        can(f"{READ} create delete update patch", "controllerrevisions", _APPS),
        EVENTS,
    ),
    "deployment-controller": (
        can(f"{READ} update", "deployments", _OLD_APPS),
        can("update", "deployments/status", _OLD_APPS),
        can("update", "deployments/finalizers", _OLD_APPS),
        can(f"{READ} create update patch delete", "replicasets", _OLD_APPS),
        can(f"{READ} update", "pods"),
        EVENTS,
    ),
    "disruption-controller": (
        can(READ, "deployments", _OLD_APPS),
        can(READ, "replicasets", _OLD_APPS),
        can(READ, "replicationcontrollers"),
        can(READ, "poddisruptionbudgets", "policy"),
        can(READ, "statefulsets", _APPS),
        can("update", "poddisruptionbudgets/status", "policy"),
        can("patch update", "pods/status"),
        can("get", "*/scale", "*"),
        EVENTS,
    ),
    "endpoint-controller": (
        can(READ, "services pods"),
        can(f"{READ} create update delete", "endpoints"),
        can("create", "endpoints/restricted"),
        EVENTS,
    ),
    "endpointslice-controller": (
        can(READ, "services pods nodes"),
        can("update", "services/finalizers"),
        can(f"{READ} create update delete", "endpointslices", _DISCOVERY),
        can("create", "endpointslices/restricted", _DISCOVERY),
        EVENTS,
    ),
    "endpointslicemirroring-controller": (
        can(READ, "services endpoints"),
        can("update", "services/finalizers"),
        can("update", "endpoints/finalizers"),
        can(f"{READ} create update delete", "endpointslices", _DISCOVERY),
        can("create", "endpointslices/restricted", _DISCOVERY),
        EVENTS,
    ),
    "expand-controller": (
        can(f"{READ} update patch", "persistentvolumes"),
        can("update patch", "persistentvolumeclaims/status"),
        can(READ, "persistentvolumeclaims"),
        EVENTS,
    ),
    "ephemeral-volume-controller": (
        can(READ, "pods"),
        can("update", "pods/finalizers"),
        can(f"{READ} create", "persistentvolumeclaims"),
        EVENTS,
    ),
    "resource-claim-controller": (
        can(READ, "pods"),
        can("update", "pods/finalizers"),
        can(f"{READ} create delete", "resourceclaims", _RESOURCES),
        can("update patch", "resourceclaims resourceclaims/status", _RESOURCES),
        can("update patch", "pods/status"),
        EVENTS,
    ),
    "device-taint-eviction-controller": (
        can(f"{READ} delete", "pods"),
        can("update patch", "pods/status"),
        can(READ, "resourceclaims", _RESOURCES),
        can(READ, "resourceslices", _RESOURCES),
        can(READ, "deviceclasses", _RESOURCES),
        EVENTS,
    ),
    "generic-garbage-collector": (can(f"{READ} patch update delete", "*", "*"), EVENTS),
    "horizontal-pod-autoscaler": (
        can(READ, "horizontalpodautoscalers", "autoscaling"),
        can("update", "horizontalpodautoscalers/status", "autoscaling"),
        can("get update", "*/scale", "*"),
        can("list watch", "pods"),
        can("list watch", "pods", "metrics.k8s.io"),
        can(READ, "*", "custom.metrics.k8s.io"),
        can(READ, "*", "external.metrics.k8s.io"),
        EVENTS,
    ),
    "job-controller": (
        can(f"{READ} update patch", "jobs", _BATCH),
        can("update", "jobs/status", _BATCH),
        can("update", "jobs/finalizers", _BATCH),
        _PODS,
        EVENTS,
    ),
    "namespace-controller": (
        can(f"{READ} delete", "namespaces"),
        can("update", "namespaces/finalize namespaces/status"),
        can(f"{READ} delete deletecollection", "*", "*"),
    ),
    "node-controller": (
        can(f"{READ} update delete patch", "nodes"),
        can("patch update", "nodes/status"),
        can("patch update", "pods/status"),
        can(f"{READ} delete", "pods"),
        can(READ, "leases", "coordination.k8s.io"),
        EVENTS,
    ),
    "persistent-volume-binder": (
        can(f"{READ} update create delete", "persistentvolumes"),
        can("update", "persistentvolumes/status"),
        can(f"{READ} update", "persistentvolumeclaims"),
        can("update", "persistentvolumeclaims/status"),
        can(f"{READ} create delete", "pods"),
        can(READ, "storageclasses", _STORAGE),
        can("list watch", "nodes"),
        EVENTS,
        can("watch", "events"),
    ),
    "pod-garbage-collector": (
        can("list watch delete", "pods"),
        can(READ, "nodes"),
        can("patch", "pods/status"),
    ),
    "replicaset-controller": (
        can(f"{READ} update", "replicasets", _OLD_APPS),
        can("update", "replicasets/status", _OLD_APPS),
        can("update", "replicasets/finalizers", _OLD_APPS),
        _PODS,
        EVENTS,
    ),
    "replication-controller": (
        can(f"{READ} update", "replicationcontrollers"),
        can("update", "replicationcontrollers/status"),
        can("update", "replicationcontrollers/finalizers"),
        _PODS,
        EVENTS,
    ),
    "resourcequota-controller": (
        can("list watch", "*", "*"),
        can("update", "resourcequotas/status"),
        EVENTS,
    ),
    "route-controller": (can("list watch", "nodes"), can("patch", "nodes/status"), EVENTS),
    "service-account-controller": (can("create", "serviceaccounts"), EVENTS),
    "service-controller": (
        can(READ, "services"),
        can("patch update", "services/status"),
        can("list watch", "nodes"),
        EVENTS,
    ),
    "service-cidrs-controller": (
        can(f"{READ} patch update", "servicecidrs", _NETWORKING),
        can("patch update", "servicecidrs/finalizers", _NETWORKING),
        can("patch update", "servicecidrs/status", _NETWORKING),
        can(READ, "ipaddresses", _NETWORKING),
        EVENTS,
    ),
    "statefulset-controller": (
        can("list watch", "pods"),
        can(READ, "statefulsets", _APPS),
        can("update", "statefulsets/status", _APPS),
        can("update", "statefulsets/finalizers", _APPS),
        can("get create delete update patch", "pods"),
        can(f"{READ} create delete update patch", "controllerrevisions", _APPS),
        can("get create list watch", "persistentvolumeclaims"),
        can("update delete", "persistentvolumeclaims"),
        can("update", "pods/finalizers"),
        EVENTS,
    ),
    "ttl-controller": (can("update patch list watch", "nodes"), EVENTS),
    "certificate-controller": (
        can(f"{READ} delete", "certificatesigningrequests", _CERTIFICATES),
        can(
            "update",
            "certificatesigningrequests/status certificatesigningrequests/approval",
            _CERTIFICATES,
        ),
        can(
            "approve",
            "signers",
            _CERTIFICATES,
            names="kubernetes.io/kube-apiserver-client-kubelet",
        ),
        can(
            "sign",
            "signers",
            _CERTIFICATES,
            names="kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client "
            "kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving",
        ),
        can("create", "subjectaccessreviews", "authorization.k8s.io"),
        EVENTS,
    ),
    "podcertificaterequestcleaner": (
        can(f"{READ} delete", "podcertificaterequests", _CERTIFICATES),
    ),
    "pvc-protection-controller": (
        can(f"{READ} update", "persistentvolumeclaims"),
        can("update", "persistentvolumeclaims/status"),
        can(READ, "pods"),
        EVENTS,
    ),
    "pv-protection-controller": (can(f"{READ} update", "persistentvolumes"), EVENTS),
    "volumeattributesclass-protection-controller": (
        can(READ, "persistentvolumeclaims"),
        can(READ, "persistentvolumes"),
        can(f"{READ} update", "volumeattributesclasses", _STORAGE),
        EVENTS,
    ),
    "ttl-after-finished-controller": (can(f"{READ} delete", "jobs", _BATCH), EVENTS),
    "root-ca-cert-publisher": (can("create update", "configmaps"), EVENTS),
    "kube-apiserver-serving-clustertrustbundle-publisher": (
        can("attest", "signers", _CERTIFICATES, names="kubernetes.io/kube-apiserver-serving"),
        can("create update delete list watch", "clustertrustbundles", _CERTIFICATES),
        EVENTS,
    ),
    "validatingadmissionpolicy-status-controller": (
        can(READ, "validatingadmissionpolicies", _POLICIES),
        can("get patch update", "validatingadmissionpolicies/status", _POLICIES),
        EVENTS,
    ),
    "legacy-service-account-token-cleaner": (
        can("get", "configmaps", names="kube-apiserver-legacy-service-account-token-tracking"),
        can("patch delete", "secrets"),
    ),
    "selinux-warning-controller": (
        EVENTS,
        can(READ, "persistentvolumes"),
        can(READ, "persistentvolumeclaims"),
        can(READ, "pods"),
        can(READ, "csidrivers", _STORAGE),
    ),
}

ROLES = tuple(cluster_role(PREFIX + name, *rules) for name, rules in _RULES.items())
BINDINGS = tuple(to_all(PREFIX + name, *accounts(name)) for name in _RULES)
