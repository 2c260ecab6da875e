"""What strongroom's own parts need beyond upstream's roles, whose contents stay upstream's.

All controllers run as one user, which has one role of ours for what any of them does. What kubeadm
binds in a cluster that nodes join by token is bound here too, under its names.
"""

from __future__ import annotations

from strongroom.access.authz.defaults.components import CONTROLLER_MANAGER
from strongroom.access.authz.defaults.words import (
    EVENTS,
    READ,
    WRITE,
    can,
    cluster_role,
    groups,
    role,
    to_all,
    users,
    visit,
    within,
)
from strongroom.access.user import ANONYMOUS, NODES

_MANAGER = "strongroom:controller-manager"
_OURS, _CERTIFICATES = "strongroom.io", "certificates.k8s.io"
_ALERTS = "secretalerts"
_BOOTSTRAPPERS = "system:bootstrappers"
_APPROVED = "system:certificates.k8s.io:certificatesigningrequests"
_CLUSTER_INFO = "kubeadm:bootstrap-signer-clusterinfo"

ROLES = (
    cluster_role(
        _MANAGER,
        EVENTS,
        # Deletion knows no kinds: what is owned, or is in a namespace, may be of any. The
        # controllers ask for metadata only, which an authorizer is not told of.
        can(f"{READ} patch delete deletecollection", "*", "*"),
        can(
            "patch update",
            "namespaces/finalize namespaces/status nodes/status pods/status resourcequotas/status",
        ),
        can("create", "pods/binding serviceaccounts"),
        can("create update", "configmaps"),
        # Which of several of them works; upstream's role names its own lease only.
        can("update", "leases", "coordination.k8s.io", names="strongroom-controllers"),
        can("escalate update", "clusterroles", "rbac.authorization.k8s.io"),
        can(
            "update",
            "certificatesigningrequests/approval certificatesigningrequests/status"
            " podcertificaterequests/status",
            _CERTIFICATES,
        ),
        can("approve sign", "signers", _CERTIFICATES),
        can("create", "subjectaccessreviews", "authorization.k8s.io"),
        visit("/metrics"),
    ),
    # An earlier state of a Secret holds values: who may read Secrets to edit may read them.
    cluster_role(
        "strongroom:aggregate-to-edit",
        can(f"{READ} delete deletecollection", "secretrevisions", _OURS),
        can(READ, "secretusages", _OURS),
        labels="edit",
    ),
    # To share is to bind: whoever administrates a namespace does it, and editors see it.
    cluster_role(
        "strongroom:aggregate-grants-to-admin",
        can(WRITE, "secretgrants", _OURS),
        labels="admin",
    ),
    cluster_role(
        "strongroom:aggregate-grants-to-edit",
        can(READ, "secretgrants", _OURS),
        labels="edit",
    ),
    # Who may edit Secrets may be whom an alert is about: to see to alerts takes a right of its own.
    cluster_role("strongroom:aggregate-alerts-to-admin", can(READ, _ALERTS, _OURS), labels="admin"),
    cluster_role("strongroom:alerts-viewer", can(READ, _ALERTS, _OURS)),
    cluster_role(
        "strongroom:alerts-handler",
        can(READ, _ALERTS, _OURS),
        can("patch update", f"{_ALERTS}/status", _OURS),
    ),
    # For whoever binds it, or has it aggregated to view, which as upstream's shows no Secrets.
    cluster_role("strongroom:secret-metadata-viewer", can(READ, "secrets/metadata")),
    role("kube-public", _CLUSTER_INFO, can("get", "configmaps", names="cluster-info")),
)

BINDINGS = (
    to_all(_MANAGER, *users(CONTROLLER_MANAGER)),
    to_all("kubeadm:kubelet-bootstrap", *groups(_BOOTSTRAPPERS), of="system:node-bootstrapper"),
    to_all(
        "kubeadm:node-autoapprove-bootstrap", *groups(_BOOTSTRAPPERS), of=f"{_APPROVED}:nodeclient"
    ),
    to_all(
        "kubeadm:node-autoapprove-certificate-rotation",
        *groups(NODES),
        of=f"{_APPROVED}:selfnodeclient",
    ),
    within("kube-public", _CLUSTER_INFO, *users(ANONYMOUS)),
)
