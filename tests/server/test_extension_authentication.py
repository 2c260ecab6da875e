"""The ConfigMap that says whom this server believes."""

from __future__ import annotations

from pathlib import Path

from strongroom.api.clock import SystemClock
from strongroom.server.extension_authentication import told
from strongroom.server.options import parse_options
from strongroom.server.tls_files import TLSFiles
from tests.access.authn.certifying import SERVER, authority, make
from tests.server.conftest import Running

OWN, FRONT = authority("own"), authority("front")
SERVING = make("server", OWN, purposes=[SERVER])


def said(directory: Path, *arguments: str) -> dict[str, str]:
    for name, content in (
        ("tls.crt", SERVING.pem),
        ("tls.key", SERVING.key_pem),
        ("own.crt", OWN.pem),
        ("front.crt", FRONT.pem),
    ):
        (directory / name).write_bytes(content)
    options = parse_options(arguments).tls
    pair = directory / "tls.crt", directory / "tls.key"
    own = directory / "own.crt"
    return told(options, TLSFiles(pair, own, None, options, SystemClock()))


def test_without_proxies_it_names_the_authorities_of_clients(tmp_path: Path) -> None:
    assert said(tmp_path) == {"client-ca-file": OWN.pem.decode()}


def test_with_proxies_it_says_how_they_speak(tmp_path: Path) -> None:
    front = ["--requestheader-client-ca-file", str(tmp_path / "front.crt")]
    names = ["--requestheader-username-headers", "X-Remote-User,X-User"]
    found = said(tmp_path, *front, *names, "--requestheader-allowed-names", "front")
    assert found == {
        "client-ca-file": OWN.pem.decode(),
        "requestheader-client-ca-file": FRONT.pem.decode(),
        "requestheader-username-headers": '["X-Remote-User","X-User"]',
        "requestheader-uid-headers": "[]",
        "requestheader-group-headers": "[]",
        "requestheader-extra-headers-prefix": "[]",
        "requestheader-allowed-names": '["front"]',
    }


async def test_a_server_publishes_it(api: Running) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    found = (await api.ask("GET", path)).json["data"]["client-ca-file"]
    assert found == api.pki.ca_file.read_text()
