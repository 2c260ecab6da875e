"""Valid objects of the kinds, to be damaged."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from strongroom.api.codec import to_tree
from strongroom.resources.resource import Resource
from tests.controllers.certificates.making import authority, pkcs10
from tests.controllers.certificates.podrequests import wanting
from tests.e2e.marked import MARK64
from tests.fuzz.server import definition

Tree = dict[str, Any]

_POD: Tree = {
    "containers": [
        {
            "name": "main",
            "image": "busybox:1",
            "ports": [{"containerPort": 80, "name": "web"}],
            "env": [{"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"}],
            "envFrom": [{"secretRef": {"name": "s", "optional": True}}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "resources": {"limits": {"cpu": "1"}, "requests": {"memory": "1Mi"}},
            "livenessProbe": {"httpGet": {"port": "web", "path": "/"}},
        }
    ],
    "volumes": [
        {"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
        {"name": "w", "projected": {"sources": [{"configMap": {"name": "c"}}]}},
    ],
    "tolerations": [{"operator": "Exists"}],
    "topologySpreadConstraints": [],
}
_RULE: Tree = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
}
_WEBHOOK: Tree = {
    "name": "a.example.com",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "clientConfig": {"url": "https://example.com/x"},
    "rules": [_RULE],
    "matchConditions": [{"name": "c", "expression": "object.spec.x == 1"}],
}
_ROLE_RULE: Tree = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
_RBAC = "rbac.authorization.k8s.io"
_ANN: Tree = {"kind": "User", "apiGroup": _RBAC, "name": "ann"}
_FIELDS: dict[str, Tree] = {
    "Secret": {"data": {"a": MARK64}, "type": "Opaque"},
    "ConfigMap": {"data": {"a": "b"}, "binaryData": {"c": "ZA=="}},
    "ServiceAccount": {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]},
    "Pod": {"spec": _POD},
    "Node": {"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}},
    "Service": {"spec": {"ports": [{"port": 80, "targetPort": "web"}], "selector": {"a": "b"}}},
    "Endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}]},
    "EndpointSlice": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]},
    "LimitRange": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}},
    "ResourceQuota": {"spec": {"hard": {"secrets": "5", "cpu": "1"}}},
    "APIService": {
        "spec": {
            "group": "example.com",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 10,
        }
    },
    "Lease": {"spec": {"holderIdentity": "h", "leaseDurationSeconds": 1}},
    "IngressClass": {"spec": {"controller": "example.com/c"}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 1}}}}},
    "CSIDriver": {"spec": {"attachRequired": True, "tokenRequests": [{"audience": "a"}]}},
    "RuntimeClass": {"handler": "h", "overhead": {"podFixed": {"cpu": "1"}}},
    "PriorityClass": {"value": 5},
    "MutatingWebhookConfiguration": {"webhooks": [_WEBHOOK]},
    "ValidatingWebhookConfiguration": {"webhooks": [_WEBHOOK]},
    "ValidatingAdmissionPolicy": {
        "spec": {
            "matchConstraints": {"resourceRules": [_RULE]},
            "validations": [{"expression": "object.metadata.name != 'x'"}],
            "variables": [{"name": "v", "expression": "1 + 1"}],
        }
    },
    "ValidatingAdmissionPolicyBinding": {
        "spec": {"policyName": "p", "validationActions": ["Deny"]}
    },
    "CustomResourceDefinition": definition(),
    "CertificateSigningRequest": {
        "spec": {
            "request": base64.b64encode(pkcs10()).decode(),
            "signerName": "example.com/signer",
            "usages": ["client auth", "digital signature"],
            "expirationSeconds": 3600,
        }
    },
    "ClusterTrustBundle": {"spec": {"trustBundle": authority()[0].decode()}},
    "PodCertificateRequest": {"spec": to_tree(wanting().spec)},
    "Role": {"rules": [_ROLE_RULE]},
    "ClusterRole": {"rules": [_ROLE_RULE, {"nonResourceURLs": ["/x"], "verbs": ["get"]}]},
    "RoleBinding": {
        "subjects": [_ANN, {"kind": "ServiceAccount", "name": "a", "namespace": "n"}],
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "r"},
    },
    "ClusterRoleBinding": {
        "subjects": [_ANN],
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "r"},
    },
    "SecretRevision": {"data": {"a": MARK64}, "spec": {"secretName": "s", "operation": "patch"}},
    "SecretGrant": {
        "spec": {
            "secrets": [{"name": "s", "keys": ["a"]}],
            "to": [{"namespace": "other", "serviceAccounts": ["*"]}],
        },
    },
    "SecretAlert": {
        "spec": {"rule": "r", "severity": "low", "user": {"name": "a"}, "secrets": [{"name": "s"}]},
        "status": {"acknowledgement": {"note": "known"}},
    },
    "SecretUsage": {"reads": [{"verb": "get", "time": "2026-01-01T00:00:00Z", "by": "ann"}]},
}


def _workloads() -> dict[str, Tree]:
    text = (Path(__file__).parent.parent / "e2e" / "workloads.yaml").read_text()
    return {tree["kind"]: tree for tree in yaml.safe_load_all(text)}


_WORKLOADS = _workloads()
_ABOUT = {"kind": "Pod", "apiVersion": "v1", "namespace": "n", "name": "p"}
_EVENTS: dict[str, Tree] = {
    "v1": {"involvedObject": _ABOUT, "reason": "R", "type": "Normal", "count": 1},
    "events.k8s.io/v1": {
        "regarding": _ABOUT,
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.com/c",
        "reportingInstance": "i",
        "action": "Act",
        "reason": "R",
        "type": "Normal",
    },
}


def base(resource: Resource[Any]) -> Tree:
    """A valid object of a kind; its name is ``a``, unless the kind has one in its fields."""
    if resource.kind == "Event":
        fields = _EVENTS[resource.api_version]
    else:
        fields = _WORKLOADS.get(resource.kind) or _FIELDS.get(resource.kind, {})
    name = {"CustomResourceDefinition": "things.fuzz.example.com", "APIService": "v1.example.com"}
    return {
        **fields,
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name.get(resource.kind, "a"), "labels": {"x": "y"}},
    }
