"""Services, their endpoints and Ingresses: defaults, what updates carry over, and findings."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.endpoints import ENDPOINTS
from strongroom.resources.endpointslice import ENDPOINT_SLICES
from strongroom.resources.ingress import INGRESSES
from strongroom.resources.ingressclass import INGRESS_CLASSES
from strongroom.resources.resource import Resource
from strongroom.resources.service import SERVICES, Service
from tests.resources.making import NOW, made, texts


def _made(resource: Resource[Any], tree: dict[str, Any]) -> Any:
    obj = made({"metadata": {"name": "x", "namespace": "shop"}} | tree, resource.type)
    resource.default(obj)
    resource.prepare_for_create(obj, NOW)
    return obj


def _service(**spec: Any) -> Service:
    obj = _made(SERVICES, {"spec": {"ports": [{"port": 80}]} | spec})
    assert isinstance(obj, Service)
    return obj


_BACKEND = {"service": {"name": "s", "port": {"number": 80}}}


def _ingress(path: str, kind: str | None = "Prefix", **backend: Any) -> dict[str, Any]:
    item = {"path": path, "pathType": kind, "backend": backend or _BACKEND}
    return {"spec": {"rules": [{"host": "a.b", "http": {"paths": [item]}}]}}


def _slice(*addresses: str, **more: Any) -> dict[str, Any]:
    return {"addressType": "IPv4", "endpoints": [{"addresses": list(addresses)}]} | more


@pytest.mark.parametrize(
    ("resource", "tree", "finding"),
    [
        (SERVICES, {"spec": {}}, "spec.ports: Required value"),
        (
            SERVICES,
            {"spec": {"ports": [{"port": 0, "targetPort": 1}]}},
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            SERVICES,
            {"spec": {"ports": [{"port": 1, "nodePort": 30000}]}},
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            SERVICES,
            {"spec": {"type": "ExternalName"}},
            "spec.externalName: Required value",
        ),
        (
            SERVICES,
            {"spec": {"ports": [{"port": 1}], "clusterIP": "10.0.0.01"}},
            'spec.clusterIPs[0]: Invalid value: "10.0.0.01": must not have leading 0s',
        ),
        (
            SERVICES,
            {"spec": {"ports": [{"port": 1}], "externalIPs": ["127.0.0.1"]}},
            (
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ),
        ),
        (
            SERVICES,
            {"spec": {"ports": [{"port": 1}], "type": "Odd"}},
            (
                'spec.type: Unsupported value: "Odd": supported values: '
                '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ),
        ),
        (
            ENDPOINTS,
            {"subsets": [{}]},
            "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
        ),
        (
            ENDPOINTS,
            {"subsets": [{"addresses": [{"ip": "x"}]}]},
            (
                'subsets[0].addresses[0].ip: Invalid value: "x": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ),
        ),
        (
            ENDPOINT_SLICES,
            _slice(),
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        ),
        (
            ENDPOINT_SLICES,
            _slice("2001:db8::1"),
            'endpoints[0].addresses[0]: Invalid value: "2001:db8::1": must be a valid IPv4 address',
        ),
        (
            ENDPOINT_SLICES,
            _slice("10.0.0.1", ports=[{"name": "a"}, {"name": "a"}]),
            'ports[1].name: Duplicate value: "a"',
        ),
        (
            INGRESSES,
            {"spec": {}},
            "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified",
        ),
        (
            INGRESSES,
            _ingress("a"),
            'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path',
        ),
        (
            INGRESSES,
            _ingress("/", None),
            "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
        ),
        (
            INGRESSES,
            _ingress("/", service={"name": "s"}),
            "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
        ),
        (
            INGRESS_CLASSES,
            {"spec": {"controller": "plain"}},
            (
                'spec.controller: Invalid value: "plain": '
                'must be a domain-prefixed path (such as "acme.io/foo")'
            ),
        ),
    ],
)
def test_a_finding(resource: Resource[Any], tree: dict[str, Any], finding: str) -> None:
    assert finding in texts(resource.validate(_made(resource, tree)))


def test_a_service_gets_its_defaults() -> None:
    service = _service(sessionAffinity="ClientIP", type="LoadBalancer")
    spec = service.spec
    assert (spec.ports[0].protocol, spec.ports[0].targetPort) == ("TCP", 80)
    assert (spec.externalTrafficPolicy, spec.internalTrafficPolicy) == ("Cluster", "Cluster")
    assert spec.allocateLoadBalancerNodePorts is True
    assert spec.sessionAffinityConfig
    assert spec.sessionAffinityConfig.clientIP
    assert spec.sessionAffinityConfig.clientIP.timeoutSeconds == 10800
    assert SERVICES.validate(service) == []


def test_an_update_keeps_what_was_given_out_until_the_type_changes() -> None:
    old = _service(type="NodePort", clusterIP="10.96.0.9")
    old.spec.ports[0].nodePort = 30001
    new = _service(type="NodePort")
    SERVICES.prepare_for_update(new, old, NOW)
    assert (new.spec.clusterIPs, new.spec.ports[0].nodePort) == (["10.96.0.9"], 30001)
    plain = _service(type="ClusterIP")
    plain.spec.ports[0].nodePort = 30001
    plain.spec.externalTrafficPolicy = "Cluster"
    SERVICES.prepare_for_update(plain, old, NOW)
    assert (plain.spec.ports[0].nodePort, plain.spec.externalTrafficPolicy) == (0, "")
    other = _service(clusterIP="10.96.0.10")
    assert texts(SERVICES.validate_update(other, old)) == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set'
    ]


def test_tables() -> None:
    service = _service(type="NodePort", selector={"b": "2", "a": "1"})
    service.spec.ports[0].nodePort = 30001
    assert SERVICES.columns_of(service, NOW)[1:5] == [
        "NodePort",
        "<none>",
        "<none>",
        "80:30001/TCP",
    ]
    assert SERVICES.columns_of(service, NOW)[6] == "a=1,b=2"
    slice_ = _made(ENDPOINT_SLICES, _slice("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"))
    assert ENDPOINT_SLICES.columns_of(slice_, NOW)[2:4] == [
        "<unset>",
        "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...",
    ]
    assert INGRESSES.columns_of(_made(INGRESSES, _ingress("/")), NOW)[1:5] == [
        "<none>", "a.b", "", "80",
    ]  # fmt: skip
