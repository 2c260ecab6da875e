"""kubectl on the kinds that say where things are: Services, Endpoints, Ingresses; and events."""

from __future__ import annotations

import pytest

from tests.e2e.kubectl import Kubectl

pytestmark = pytest.mark.needs("kubectl")

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.1.2.3}], ports: [{name: http, port: 8080}]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - host: web.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
---
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: web.1}
regarding: {kind: Service, name: web, namespace: NAMESPACE, apiVersion: v1}
eventTime: "2026-01-01T00:00:00.000000Z"
action: Look
reason: Seen
note: a word about the web
type: Normal
reportingController: example.com/tests
reportingInstance: tests-1
"""


def test_services_and_what_leads_to_them(kubectl: Kubectl) -> None:
    text = MANIFEST.replace("NAMESPACE", kubectl.namespace)
    made = kubectl.apply(text).splitlines()
    assert made == [
        "service/web created",
        "endpoints/web created",
        "ingress.networking.k8s.io/web created",
        "event.events.k8s.io/web.1 created",
    ]
    address = kubectl.object("service", "web")["spec"]["clusterIP"]
    again = kubectl.apply(text)
    assert again.count("unchanged") >= 3
    assert kubectl.object("service", "web")["spec"]["clusterIP"] == address

    row = kubectl("get", "service", "web", "--no-headers").split()
    assert row[:4] == ["web", "NodePort", address, "<none>"]
    assert row[4].startswith("80:3")
    assert kubectl("get", "endpoints", "web", "--no-headers").split()[:2] == [
        "web",
        "10.1.2.3:8080",
    ]
    row = kubectl("get", "ingress", "web", "--no-headers").split()
    assert row[:3] == ["web", "<none>", "web.example.com"]

    described = kubectl("describe", "service", "web")
    assert f"IP:                       {address}" in described
    assert "web.example.com" in kubectl("describe", "ingress", "web")
    assert "a word about the web" in kubectl("events", "--for", "service/web")
    assert "is running at" in kubectl("cluster-info")
    kubectl("delete", "service,endpoints,ingress", "web")
    assert "NotFound" in kubectl.fails("get", "service", "web")
