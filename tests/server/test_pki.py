"""Certificates: made once, renewed when worn, and usable by TLS."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from strongroom.server.certificates import Pair
from strongroom.server.pki import PKIError, prepare_pki, write_kubeconfigs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = (
    "apiserver",
    "apiserver-kubelet-client",
    "admin",
    "controller-manager",
    "scheduler",
    "node",
    "node-serving",
)


def certificates(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.crt")}


def expiry(pem: bytes) -> datetime:
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def hosts(pem: bytes) -> set[str]:
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_the_first_start_makes_everything_for_its_owner_only(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path / "pki", "127.0.0.1", "n1", NOW)
    assert set(certificates(pki.directory)) == {f"{name}.crt" for name in ("ca", *NAMES)}
    for path in pki.directory.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert pki.directory.stat().st_mode & 0o777 == 0o700


def test_the_second_start_makes_nothing(tmp_path: Path) -> None:
    before = certificates(prepare_pki(tmp_path, "127.0.0.1", "n1", NOW).directory)
    after = certificates(prepare_pki(tmp_path, "127.0.0.1", "n1", NOW).directory)
    assert before == after


def test_a_balancer_is_named_by_the_certificate_and_led_to_by_the_admins_kubeconfig(
    tmp_path: Path,
) -> None:
    endpoint, server = "https://room.example.com:6443", "https://192.0.2.7:6443"
    before = prepare_pki(tmp_path, "192.0.2.7", "n1", NOW).pair("apiserver")
    pki = prepare_pki(tmp_path, "192.0.2.7", "n1", NOW, endpoint)
    after = pki.pair("apiserver").certificate
    assert hosts(after) == hosts(before.certificate) | {"room.example.com"}
    write_kubeconfigs(pki, tmp_path / "admin.kubeconfig", server, endpoint)
    assert endpoint in (tmp_path / "admin.kubeconfig").read_text()
    assert server in (tmp_path / "node.kubeconfig").read_text()


def test_names_of_the_serving_certificate(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path, "192.0.2.7", "n1", NOW)
    assert hosts(pki.pair("apiserver").certificate) >= {
        "localhost",
        "127.0.0.1",
        "::1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "192.0.2.7",
    }
    assert hosts(pki.pair("node-serving").certificate) >= {"n1", "127.0.0.1"}


def test_another_bind_address_changes_the_serving_certificate_only(tmp_path: Path) -> None:
    before = certificates(prepare_pki(tmp_path, "127.0.0.1", "n1", NOW).directory)
    after = certificates(prepare_pki(tmp_path, "192.0.2.7", "n1", NOW).directory)
    assert {name for name in after if after[name] != before[name]} == {"apiserver.crt"}


def test_what_nears_its_end_is_made_anew(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    before = certificates(tmp_path)
    later = NOW + timedelta(days=340)
    prepare_pki(tmp_path, "127.0.0.1", "n1", later)
    after = certificates(tmp_path)
    assert {n for n in after if after[n] == before[n]} == {"ca.crt"}
    assert expiry(pki.pair("admin").certificate) > later + timedelta(days=300)


def test_a_damaged_certificate_is_made_anew(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    pki.store("admin", Pair(b"junk", b"junk"))
    prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    assert expiry(pki.pair("admin").certificate) > NOW


def test_an_authority_is_never_replaced(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(PKIError, match=r"ca\.key is missing"):
        prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    pki.store("ca", pki.pair("admin"))
    with pytest.raises(PKIError, match="no authority"):
        prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)
    pki.ca_file.write_bytes(b"junk")
    with pytest.raises(PKIError, match="cannot be read"):
        prepare_pki(tmp_path, "127.0.0.1", "n1", NOW)


def test_kubeconfigs_are_written_when_they_change_only(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path / "pki", "127.0.0.1", "n1", NOW)
    admin = tmp_path / "admin.kubeconfig"
    write_kubeconfigs(pki, admin, "https://127.0.0.1:1")
    assert admin.stat().st_mode & 0o777 == 0o600
    assert {p.name for p in pki.directory.glob("*.kubeconfig")} == {
        "controller-manager.kubeconfig",
        "scheduler.kubeconfig",
        "node.kubeconfig",
    }
    first = admin.stat().st_ino
    write_kubeconfigs(pki, admin, "https://127.0.0.1:1")
    assert admin.stat().st_ino == first
    write_kubeconfigs(pki, admin, "https://127.0.0.1:2")
    assert "https://127.0.0.1:2" in admin.read_text()


def test_no_key_in_a_repr() -> None:
    assert "canary" not in repr(Pair(b"canary", b"canary"))
