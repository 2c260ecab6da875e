"""Roles for the parts of a cluster: nodes, scheduler, controller manager, DNS, approvers."""

from __future__ import annotations

from strongroom.access.authz.defaults.words import (
    EVENTS,
    READ,
    READ_UPDATE,
    accounts,
    can,
    cluster_role,
    to_all,
    users,
)

CONTROLLER_MANAGER, SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
_CERTIFICATES, _COORDINATION = "certificates.k8s.io", "coordination.k8s.io"
_STORAGE, _RESOURCES = "storage.k8s.io", "resource.k8s.io"
_LIFE = "get create update patch delete"
_ASKING = (
    can("create", "tokenreviews", _AUTHENTICATION),
    can("create", "subjectaccessreviews", _AUTHORIZATION),
)

NODE_RULES = (
    can("create", "tokenreviews", _AUTHENTICATION),
    can("create", "subjectaccessreviews localsubjectaccessreviews", _AUTHORIZATION),
    can(READ, "services"),
    can(f"create {READ}", "nodes"),
    can("update patch", "nodes/status"),
    can("update patch", "nodes"),
    can("create update patch", "events"),
    can(READ, "pods"),
    can("create delete", "pods"),
    can("update patch", "pods/status"),
    can("create", "pods/eviction"),
    can(READ, "secrets configmaps"),
    can("get", "persistentvolumeclaims persistentvolumes"),
    can("get", "endpoints"),
    can(f"create {READ}", "certificatesigningrequests", _CERTIFICATES),
    can(_LIFE, "leases", _COORDINATION),
    can("get", "volumeattachments", _STORAGE),
    can("create", "serviceaccounts/token"),
    can("get update patch", "persistentvolumeclaims/status"),
    can(READ, "csidrivers", _STORAGE),
    can(_LIFE, "csinodes", _STORAGE),
    can(READ, "runtimeclasses", "node.k8s.io"),
    can("get", "resourceclaims", _RESOURCES),
    can(f"{READ} create update patch delete deletecollection", "resourceslices", _RESOURCES),
    can(READ, "clustertrustbundles", _CERTIFICATES),
    can(f"create {READ}", "podcertificaterequests", _CERTIFICATES),
    can("get", "serviceaccounts"),
)
"""What the Node authorizer lets every node do that it does not tie to the node's own pods."""

_SCHEDULER = (
    EVENTS,
    can("create", "leases", _COORDINATION),
    can("get update", "leases", _COORDINATION, names="kube-scheduler"),
    can(READ, "nodes"),
    can(f"{READ} delete", "pods"),
    can("create", "pods/binding bindings"),
    can("patch update", "pods/status"),
    can(READ, "services replicationcontrollers"),
    can(READ, "replicasets", "apps extensions"),
    can(READ, "statefulsets", "apps"),
    can(READ, "poddisruptionbudgets", "policy"),
    can(READ, "persistentvolumeclaims persistentvolumes"),
    *_ASKING,
    can(READ, "csinodes", _STORAGE),
    can(READ, "namespaces"),
    can(READ, "csidrivers", _STORAGE),
    can(READ, "csistoragecapacities", _STORAGE),
    can(READ, "volumeattachments", _STORAGE),
    can(READ, "deviceclasses", _RESOURCES),
    can(READ_UPDATE, "resourceclaims", _RESOURCES),
    can(READ_UPDATE, "resourceclaims/status", _RESOURCES),
    can(READ, "resourceslices", _RESOURCES),
)

_CONTROLLER_MANAGER = (
    EVENTS,
    can("create", "leases", _COORDINATION),
    can("get update", "leases", _COORDINATION, names="kube-controller-manager"),
    can("create", "secrets serviceaccounts"),
    can("delete", "secrets"),
    can("get", "namespaces secrets serviceaccounts configmaps"),
    can("update", "secrets serviceaccounts"),
    *_ASKING,
    can("list watch", "*", "*"),
    can("create", "serviceaccounts/token"),
)

_APPROVED = {
    "legacy-unknown": "kubernetes.io/legacy-unknown",
    "kubelet-serving": "kubernetes.io/kubelet-serving",
    "kube-apiserver-client": "kubernetes.io/kube-apiserver-client",
    "kube-apiserver-client-kubelet": "kubernetes.io/kube-apiserver-client-kubelet",
}
_REQUESTS = "system:certificates.k8s.io:certificatesigningrequests"

ROLES = (
    cluster_role(
        "system:heapster",
        can(READ, "events pods nodes namespaces"),
        can(READ, "deployments", "extensions"),
    ),
    cluster_role("system:node", *NODE_RULES),
    cluster_role(
        "system:node-problem-detector",
        can("get", "nodes"),
        can("patch", "nodes/status"),
        EVENTS,
    ),
    cluster_role(
        "system:kubelet-api-admin",
        can(READ, "nodes"),
        can("proxy", "nodes"),
        can(
            "*",
            "nodes/proxy nodes/metrics nodes/stats nodes/log nodes/pods nodes/healthz "
            "nodes/configz",
        ),
    ),
    cluster_role(
        "system:node-bootstrapper",
        can(f"create {READ}", "certificatesigningrequests", _CERTIFICATES),
    ),
    cluster_role("system:auth-delegator", *_ASKING),
    cluster_role("system:kube-aggregator", can(READ, "services endpoints")),
    cluster_role("system:kube-controller-manager", *_CONTROLLER_MANAGER),
    cluster_role("system:kube-dns", can("list watch", "endpoints services")),
    cluster_role(
        "system:persistent-volume-provisioner",
        can(f"{READ} create delete", "persistentvolumes"),
        can(f"{READ} update", "persistentvolumeclaims"),
        can(READ, "storageclasses", _STORAGE),
        can("watch", "events"),
        EVENTS,
    ),
    cluster_role(
        f"{_REQUESTS}:nodeclient",
        can("create", "certificatesigningrequests/nodeclient", _CERTIFICATES),
    ),
    cluster_role(
        f"{_REQUESTS}:selfnodeclient",
        can("create", "certificatesigningrequests/selfnodeclient", _CERTIFICATES),
    ),
    cluster_role(
        "system:volume-scheduler",
        can(READ_UPDATE, "persistentvolumes"),
        can(READ, "storageclasses", _STORAGE),
        can(READ_UPDATE, "persistentvolumeclaims"),
    ),
    *(
        cluster_role(
            f"system:certificates.k8s.io:{name}-approver",
            can("approve", "signers", _CERTIFICATES, names=signer),
        )
        for name, signer in _APPROVED.items()
    ),
    cluster_role(
        "system:node-proxier",
        can("list watch", "services endpoints"),
        can(READ, "nodes"),
        EVENTS,
        can("list watch", "endpointslices", "discovery.k8s.io"),
    ),
    cluster_role("system:kube-scheduler", *_SCHEDULER),
)

BINDINGS = (
    to_all("system:node-proxier", *users("system:kube-proxy")),
    to_all("system:kube-controller-manager", *users(CONTROLLER_MANAGER)),
    to_all("system:kube-dns", *accounts("kube-dns")),
    to_all("system:kube-scheduler", *users(SCHEDULER)),
    to_all("system:volume-scheduler", *users(SCHEDULER)),
    # The Node authorizer decides; the binding stays, so that one from before loses its subject.
    to_all("system:node"),
)
