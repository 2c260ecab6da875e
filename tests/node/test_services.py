"""Variables of services, as kubelets make them."""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.client.client import Client
from strongroom.node.services import ServiceVariables, api_variables, linked
from strongroom.resources.pod import Pod
from strongroom.resources.service import SERVICES, Service
from tests.node.conftest import fresh
from tests.waiting import until


def service(name: str, *ports: dict[str, Any], namespace: str = "ns", **spec: Any) -> Service:
    meta = {"name": name, "namespace": namespace}
    body = {"clusterIP": "10.0.0.7", "ports": list(ports), **spec}
    return codec.from_tree({"metadata": meta, "spec": body}, Service)


def test_the_way_to_the_api_server() -> None:
    assert api_variables("https://10.1.2.3:6443") == {
        "KUBERNETES_SERVICE_HOST": "10.1.2.3",
        "KUBERNETES_SERVICE_PORT": "6443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "6443",
        "KUBERNETES_PORT": "tcp://10.1.2.3:6443",
        "KUBERNETES_PORT_6443_TCP": "tcp://10.1.2.3:6443",
        "KUBERNETES_PORT_6443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_6443_TCP_PORT": "6443",
        "KUBERNETES_PORT_6443_TCP_ADDR": "10.1.2.3",
    }
    assert api_variables("https://[::1]")["KUBERNETES_PORT"] == "tcp://[::1]:443"


def test_a_service_of_one_port_without_a_name() -> None:
    assert linked([service("data-base", {"port": 5432})]) == {
        "DATA_BASE_SERVICE_HOST": "10.0.0.7",
        "DATA_BASE_SERVICE_PORT": "5432",
        "DATA_BASE_PORT": "tcp://10.0.0.7:5432",
        "DATA_BASE_PORT_5432_TCP": "tcp://10.0.0.7:5432",
        "DATA_BASE_PORT_5432_TCP_PROTO": "tcp",
        "DATA_BASE_PORT_5432_TCP_PORT": "5432",
        "DATA_BASE_PORT_5432_TCP_ADDR": "10.0.0.7",
    }


def test_several_ports_and_addresses_with_colons() -> None:
    dns = service(
        "dns",
        {"name": "dns-udp", "port": 53, "protocol": "UDP"},
        {"name": "web", "port": 80, "protocol": "TCP"},
        clusterIP="fd00::7",
    )
    found = linked([dns])
    assert found["DNS_SERVICE_PORT"] == found["DNS_SERVICE_PORT_DNS_UDP"] == "53"
    assert found["DNS_SERVICE_PORT_WEB"] == "80"
    assert found["DNS_PORT"] == found["DNS_PORT_53_UDP"] == "udp://[fd00::7]:53"
    assert found["DNS_PORT_80_TCP"] == "tcp://[fd00::7]:80"
    assert found["DNS_PORT_80_TCP_ADDR"] == "fd00::7"


def test_services_without_an_address_have_none() -> None:
    port = {"port": 80}
    headless, external = service("a", port, clusterIP="None"), service("b", port, clusterIP="")
    assert linked([headless, external]) == {}


def test_the_apis_own_service_is_told_otherwise() -> None:
    port = {"name": "https", "port": 443}
    assert linked([service("kubernetes", port, namespace="default")]) == {}
    assert "KUBERNETES_SERVICE_HOST" in linked([service("kubernetes", port)])


async def test_services_of_the_pods_own_namespace_are_followed(client: Client) -> None:
    near, far = await fresh(client), await fresh(client)
    variables = ServiceVariables(client, "https://10.1.2.3:6443")
    await variables.start()
    try:
        await client.create(
            SERVICES, service("far", {"port": 80}, namespace="", clusterIP=""), far.namespace
        )
        web = service("web", {"port": 80}, namespace="", clusterIP="")
        address = (await client.create(SERVICES, web, near.namespace)).spec.clusterIP
        pod = codec.from_tree({"metadata": {"namespace": near.namespace}}, Pod)

        async def known() -> bool:
            return variables.of(pod).get("WEB_SERVICE_HOST") == address

        await until(known)
        assert not any(name.startswith("FAR") for name in variables.of(pod))
        assert variables.of(pod)["KUBERNETES_SERVICE_HOST"] == "10.1.2.3"
        pod.spec.enableServiceLinks = False
        assert set(variables.of(pod)) == set(api_variables("https://10.1.2.3:6443"))
    finally:
        await variables.close()
