"""Policies in CEL as kubectl meets them."""

from __future__ import annotations

from tests.e2e.kubectl import Kubectl

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: replicas
spec:
  matchConstraints:
    resourceRules:
      - {operations: [CREATE], apiGroups: [apps], apiVersions: [v1], resources: [deployments]}
  validations:
    - expression: "object.spec.replicas <= 5"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: replicas
spec:
  policyName: replicas
  validationActions: [Deny]
  matchResources:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
"""


def test_a_policy_is_listed_explained_and_obeyed(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=POLICY.replace("NAMESPACE", kubectl.namespace))
    try:
        listed = kubectl("get", "validatingadmissionpolicy", "replicas").split("\n")
        assert listed[0].split() == ["NAME", "VALIDATIONS", "PARAMKIND", "AGE"]
        assert listed[1].split()[:3] == ["replicas", "1", "<unset>"]
        bound = kubectl("get", "validatingadmissionpolicybinding", "replicas").split("\n")
        assert bound[1].split()[:3] == ["replicas", "replicas", "<unset>"]
        told = kubectl("explain", "validatingadmissionpolicy.spec.validations.expression")
        assert "FIELD: expression <string>" in told
        refused = kubectl.fails("create", "deployment", "web", "--image=web", "--replicas=6")
        assert (
            "ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: "
            "failed expression: object.spec.replicas <= 5"
        ) in refused
        kubectl("create", "deployment", "web", "--image=web", "--replicas=5")
    finally:
        kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "--all")
