"""Roles for people: everything, a namespace's admin, editor and viewer, and who merely asks."""

from __future__ import annotations

from strongroom.access.authz.defaults.words import (
    READ,
    READ_WRITE,
    WRITE,
    aggregated,
    can,
    cluster_role,
    groups,
    to_all,
    visit,
)
from strongroom.access.user import AUTHENTICATED, MASTERS, UNAUTHENTICATED

_HEALTH = "/livez /readyz /healthz"
_ACCOUNTS = "system:serviceaccounts"

_EDIT = (
    can(READ, "pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy"),
    can("impersonate", "serviceaccounts"),
    can(WRITE, "pods pods/attach pods/proxy pods/exec pods/portforward"),
    can("create", "pods/eviction"),
    can(
        WRITE,
        "replicationcontrollers replicationcontrollers/scale serviceaccounts services "
        "services/proxy persistentvolumeclaims configmaps secrets events",
    ),
    can("create", "serviceaccounts/token"),
    can(
        WRITE,
        "statefulsets statefulsets/scale daemonsets deployments deployments/scale "
        "deployments/rollback replicasets replicasets/scale",
        "apps",
    ),
    can(WRITE, "horizontalpodautoscalers", "autoscaling"),
    can(WRITE, "jobs cronjobs", "batch"),
    can(
        WRITE,
        "daemonsets deployments deployments/scale deployments/rollback ingresses replicasets "
        "replicasets/scale replicationcontrollers/scale networkpolicies",
        "extensions",
    ),
    can(WRITE, "poddisruptionbudgets", "policy"),
    can(WRITE, "networkpolicies ingresses", "networking.k8s.io"),
    can(READ_WRITE, "leases", "coordination.k8s.io"),
    can(WRITE, "resourceclaims resourceclaimtemplates", "resource.k8s.io"),
)

_VIEW = (
    can(
        READ,
        "pods replicationcontrollers replicationcontrollers/scale serviceaccounts services "
        "services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps",
    ),
    can(
        READ,
        "limitranges resourcequotas bindings events pods/status resourcequotas/status "
        "namespaces/status replicationcontrollers/status pods/log",
    ),
    can(READ, "namespaces"),
    can(READ, "endpointslices", "discovery.k8s.io"),
    can(
        READ,
        "controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets "
        "daemonsets/status deployments deployments/status deployments/scale replicasets "
        "replicasets/status replicasets/scale",
        "apps",
    ),
    can(READ, "horizontalpodautoscalers horizontalpodautoscalers/status", "autoscaling"),
    can(READ, "jobs cronjobs cronjobs/status jobs/status", "batch"),
    can(
        READ,
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
        "ingresses/status replicasets replicasets/scale replicasets/status "
        "replicationcontrollers/scale networkpolicies",
        "extensions",
    ),
    can(READ, "poddisruptionbudgets poddisruptionbudgets/status", "policy"),
    can(READ, "networkpolicies ingresses ingresses/status", "networking.k8s.io"),
    can(READ, "resourceclaims resourceclaims/status resourceclaimtemplates", "resource.k8s.io"),
)

ROLES = (
    cluster_role("cluster-admin", can("*", "*", "*"), visit("*", "*")),
    cluster_role(
        "system:discovery",
        visit(f"{_HEALTH} /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*"),
    ),
    cluster_role(
        "system:monitoring",
        visit(f"/metrics /metrics/slis {_HEALTH} /livez/* /readyz/* /healthz/*"),
    ),
    cluster_role(
        "system:basic-user",
        can("create", "selfsubjectaccessreviews selfsubjectrulesreviews", "authorization.k8s.io"),
        can("create", "selfsubjectreviews", "authentication.k8s.io"),
    ),
    cluster_role("system:public-info-viewer", visit(f"{_HEALTH} /version /version/")),
    aggregated("admin"),
    aggregated("edit", labels="admin"),
    aggregated("view", labels="edit"),
    cluster_role(
        "system:aggregate-to-admin",
        can("create", "localsubjectaccessreviews", "authorization.k8s.io"),
        can(READ_WRITE, "roles rolebindings", "rbac.authorization.k8s.io"),
        labels="admin",
    ),
    cluster_role("system:aggregate-to-edit", *_EDIT, labels="edit"),
    cluster_role("system:aggregate-to-view", *_VIEW, labels="view"),
    cluster_role(
        "system:service-account-issuer-discovery",
        visit("/.well-known/openid-configuration /openid/v1/jwks"),
    ),
    cluster_role(
        "system:cluster-trust-bundle-discovery",
        can(READ, "clustertrustbundles", "certificates.k8s.io"),
    ),
)

BINDINGS = (
    to_all("cluster-admin", *groups(MASTERS)),
    to_all("system:monitoring", *groups("system:monitoring")),
    to_all("system:discovery", *groups(AUTHENTICATED)),
    to_all("system:basic-user", *groups(AUTHENTICATED)),
    to_all("system:public-info-viewer", *groups(AUTHENTICATED, UNAUTHENTICATED)),
    to_all("system:service-account-issuer-discovery", *groups(_ACCOUNTS)),
    to_all("system:cluster-trust-bundle-discovery", *groups(_ACCOUNTS)),
)
