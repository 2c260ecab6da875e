"""Every kind that the API serves, to be found by plural name or by kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strongroom.resources.apiservice import API_SERVICES
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.clusterrole import CLUSTER_ROLES
from strongroom.resources.clusterrolebinding import CLUSTER_ROLE_BINDINGS
from strongroom.resources.clustertrustbundle import CLUSTER_TRUST_BUNDLES
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.controllerrevision import CONTROLLER_REVISIONS
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS
from strongroom.resources.cronjob import CRON_JOBS
from strongroom.resources.csidriver import CSI_DRIVERS
from strongroom.resources.daemonset import DAEMON_SETS
from strongroom.resources.deployment import DEPLOYMENTS
from strongroom.resources.encryptionoperation import ENCRYPTION_OPERATIONS
from strongroom.resources.endpoints import ENDPOINTS
from strongroom.resources.endpointslice import ENDPOINT_SLICES
from strongroom.resources.event import EVENTS
from strongroom.resources.event_v1 import EVENTS_V1
from strongroom.resources.ingress import INGRESSES
from strongroom.resources.ingressclass import INGRESS_CLASSES
from strongroom.resources.job import JOBS
from strongroom.resources.lease import LEASES
from strongroom.resources.limitrange import LIMIT_RANGES
from strongroom.resources.localsubjectaccessreview import LOCAL_SUBJECT_ACCESS_REVIEWS
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.node import NODES
from strongroom.resources.pod import PODS
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.poddisruptionbudget import POD_DISRUPTION_BUDGETS
from strongroom.resources.podtemplate import POD_TEMPLATES
from strongroom.resources.priorityclass import PRIORITY_CLASSES
from strongroom.resources.replicaset import REPLICA_SETS
from strongroom.resources.replicationcontroller import REPLICATION_CONTROLLERS
from strongroom.resources.resource import Resource
from strongroom.resources.resourcequota import RESOURCE_QUOTAS
from strongroom.resources.role import ROLES
from strongroom.resources.rolebinding import ROLE_BINDINGS
from strongroom.resources.runtimeclass import RUNTIME_CLASSES
from strongroom.resources.secret import SECRETS
from strongroom.resources.secretalert import SECRET_ALERTS
from strongroom.resources.secretgrant import SECRET_GRANTS
from strongroom.resources.secretrevision import SECRET_REVISIONS
from strongroom.resources.secretusage import SECRET_USAGES
from strongroom.resources.selfsubjectaccessreview import SELF_SUBJECT_ACCESS_REVIEWS
from strongroom.resources.selfsubjectreview import SELF_SUBJECT_REVIEWS
from strongroom.resources.selfsubjectrulesreview import SELF_SUBJECT_RULES_REVIEWS
from strongroom.resources.service import SERVICES
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS
from strongroom.resources.statefulset import STATEFUL_SETS
from strongroom.resources.subjectaccessreview import SUBJECT_ACCESS_REVIEWS
from strongroom.resources.tokenreview import TOKEN_REVIEWS
from strongroom.resources.validating_policy import (
    VALIDATING_POLICIES,
    VALIDATING_POLICY_BINDINGS,
)
from strongroom.resources.webhook_configuration import MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS


class Catalog:
    """A set of resources, each unique by group, version and plural name."""

    def __init__(self, resources: Iterable[Resource[Any]]) -> None:
        self._resources = tuple(resources)
        self._by_plural = {(r.group, r.version, r.plural): r for r in self._resources}
        self._by_kind = {(r.api_version, r.kind): r for r in self._resources}
        if len(self._by_plural) < len(self._resources) or len(self._by_kind) < len(self._resources):
            raise ValueError("two resources share a name")

    def all(self) -> tuple[Resource[Any], ...]:
        """All resources, in declared order."""
        return self._resources

    def by_plural(self, group: str, version: str, plural: str) -> Resource[Any] | None:
        """The resource that a request path names (``group`` is empty for core)."""
        return self._by_plural.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource[Any] | None:
        """The resource that an object's ``apiVersion`` and ``kind`` name."""
        return self._by_kind.get((api_version, kind))


CATALOG = Catalog(
    (
        *(NAMESPACES, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS, PODS, NODES, EVENTS),
        *(SERVICES, ENDPOINTS),
        *(LIMIT_RANGES, RESOURCE_QUOTAS),
        *(POD_TEMPLATES, REPLICATION_CONTROLLERS),
        *(DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, CONTROLLER_REVISIONS),
        *(JOBS, CRON_JOBS),
        POD_DISRUPTION_BUDGETS,
        *(CERTIFICATE_SIGNING_REQUESTS, CLUSTER_TRUST_BUNDLES, POD_CERTIFICATE_REQUESTS),
        LEASES,
        *(EVENTS_V1, ENDPOINT_SLICES),
        *(INGRESSES, INGRESS_CLASSES),
        *(CSI_DRIVERS, RUNTIME_CLASSES, PRIORITY_CLASSES),
        *(SUBJECT_ACCESS_REVIEWS, LOCAL_SUBJECT_ACCESS_REVIEWS),
        *(SELF_SUBJECT_ACCESS_REVIEWS, SELF_SUBJECT_RULES_REVIEWS),
        *(ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS),
        API_SERVICES,
        *(MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS),
        *(VALIDATING_POLICIES, VALIDATING_POLICY_BINDINGS),
        CUSTOM_RESOURCE_DEFINITIONS,
        *(SECRET_REVISIONS, SECRET_USAGES, SECRET_ALERTS, SECRET_GRANTS),
        ENCRYPTION_OPERATIONS,
        *(TOKEN_REVIEWS, SELF_SUBJECT_REVIEWS),
    )
)
