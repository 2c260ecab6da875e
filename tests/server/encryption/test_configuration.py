"""EncryptionConfiguration: upstream's own shapes are read, and what is wrong is told as there."""

from __future__ import annotations

import pytest

from strongroom.api.configuration import BadConfiguration
from strongroom.server.encryption.configuration import parts, read_encryption

KEY32 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
KEY16 = "AAAAAAAAAAAAAAAAAAAAAA=="


def document(resources: str) -> bytes:
    head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n"
    return f"{head}resources: {resources}\n".encode()


def entry(resources: str, *providers: str) -> str:
    return f"{{resources: [{resources}], providers: [{', '.join(providers)}]}}"


def keys(scheme: str, *named: tuple[str, str]) -> str:
    told = ", ".join(f"{{name: {name!r}, secret: {secret!r}}}" for name, secret in named)
    return f"{{{scheme}: {{keys: [{told}]}}}}"


def kms(**fields: str) -> str:
    told = {"apiVersion": "v2", "name": "vault", "endpoint": "'unix:///kms.sock'"} | fields
    return "{kms: {" + ", ".join(f"{name}: {value}" for name, value in told.items()) + "}}"


def one(resources: str, *providers: str) -> str:
    """A configuration of a single entry."""
    return f"[{entry(resources, *providers)}]"


CBC = keys("aescbc", ("key1", KEY32))


def test_upstreams_shapes_are_read() -> None:
    found = read_encryption(
        document(
            "["
            + entry("secrets, configmaps", kms(timeout="5s"), CBC, "{identity: {}}")
            + ", "
            + entry("'*.apps'", keys("aesgcm", ("a", KEY16), ("b", KEY32)))
            + ", "
            + entry("'*.'", keys("secretbox", ("c", KEY32)))
            + ", "
            + entry("'*.*'", kms(apiVersion="v1", name="'old:one'", cachesize="7"))
            + "]"
        )
    )
    first, *_, last = found.resources
    assert [provider.schemes for provider in first.providers] == [["kms"], ["aescbc"], ["identity"]]
    provider, old = first.providers[0].kms, last.providers[0].kms
    assert provider is not None
    assert old is not None
    assert (provider.seconds, old.seconds, old.cache) == (5.0, 3.0, 7)
    assert parts("*.apps") == ("apps", "*")
    assert parts("*.") == ("", "*")


def test_a_kms_of_no_version_is_of_the_first() -> None:
    plain = "{kms: {name: vault, endpoint: 'unix:///kms.sock'}}"
    found = read_encryption(document(f"[{entry('secrets', plain)}]")).resources[0].providers[0].kms
    assert found is not None
    assert (found.apiVersion, found.cache) == ("v1", 1000)


MASK_CORE, MASK_ALL, APPS = (entry(f"'{name}'", CBC) for name in ("*.", "*.*", "*.apps"))

WRONG = {
    "[]": "resources: Required value: at least one resources is required",
    one("", CBC): (
        "resources[0].resources: Required value: at least one resources[0].resources is required"
    ),
    one("secrets"): (
        "resources[0].providers: Required value: at least one resources[0].providers is required"
    ),
    one("Secrets", CBC): (
        'resources[0].resources[0]: Invalid value: "Secrets": '
        "resource name should not contain capital letters"
    ),
    one("'*'", CBC): "use '*.' to encrypt all the resources from core API group",
    one("apiserveripinfo", CBC): "resources which do not have REST API/s cannot be encr",
    one("events.events.k8s.io", CBC): "Use 'events' instead in the config file",
    one("ingresses.extensions", CBC): "'extensions' group has been removed",
    one("'secrets.*'", CBC): "the same resource across groups is not supported",
    one("secrets, secrets", CBC): "the same resource cannot be specified multiple times",
    one("secrets, '*.'", CBC): "using overlapping resources such as 'secrets' and",
    one("'*.apps', '*.*'", CBC): "using overlapping resources",
    one("secrets", "{}"): "provider does not contain any of the expected providers",
    one("secrets", CBC[:-1] + ", identity: {}}"): (
        'resources[0].providers[0]: Invalid value: "aescbc, identity": '
        "more than one provider specified in a single element"
    ),
    one("secrets", "{aescbc: {keys: []}}"): (
        "resources[0].providers[0].aescbc.keys: Required value: at least one keys is required"
    ),
    one("secrets", keys("aesgcm", ("", KEY32))): (
        "resources[0].providers[0].aesgcm.keys[0].name: Required value: name is a mandatory field"
    ),
    one("secrets", keys("aesgcm", ("a", ""))): "secret is a mandatory field for a key",
    one("secrets", keys("aescbc", ("a", "no base64!"))): (
        'resources[0].providers[0].aescbc.keys[0].secret: Invalid value: "<secret contents '
        'redacted>": secrets must be base64 encoded'
    ),
    one("secrets", keys("secretbox", ("a", KEY16))): (
        "secret is not of the expected length, got 16, expected one of [32]"
    ),
    one("secrets", keys("aescbc", ("a", "AAAA"))): "got 3, expected one of [16 24 32]",
    one("secrets", kms(name="")): "name is a mandatory field for a provider",
    one("secrets", kms(name="'a:b'")): "invalid KMS provider name a:b, must not contain",
    one("secrets", kms(), kms()): "duplicate KMS provider name vault, names must be uni",
    one("secrets", kms(timeout="0s")): "timeout should be a positive value",
    one("secrets", kms(timeout="soon")): "timeout should be a positive value",
    one("secrets", kms(endpoint="''")): "endpoint is a mandatory field for a kms",
    one("secrets", kms(endpoint="'tcp://h:1'")): 'unsupported scheme "tcp" for KMS prov',
    one("secrets", kms(cachesize="3")): "cachesize is not supported in v2",
    one("secrets", kms(apiVersion="v1", cachesize="0")): "or negative to disable",
    one("secrets", kms(apiVersion="v3")): "only v1 and v2 are supported",
    f"[{MASK_CORE}, {entry('secrets', CBC)}]": (
        'resource "secrets" is masked by earlier rule "*."'
    ),
    f"[{MASK_ALL}, {APPS}]": ('resource "*.apps" is masked by earlier rule "*.*"'),
}


@pytest.mark.parametrize("resources", WRONG)
def test_what_is_wrong_is_told(resources: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_encryption(document(resources))
    assert WRONG[resources] in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"[]", "expected EncryptionConfiguration"),
        (b"kind: EncryptionConfiguration", "Object 'apiVersion' is missing"),
        (b"apiVersion: v1\nkind: Secret", 'no kind "Secret" is registered for version "v1"'),
        (document("[]") + b"unknown: 1\n", 'unknown field "unknown"'),
        (document("[]") + b"resources: []\n", "already set in map"),
        (document("[{resources: [secrets], providers: [{aescbc: {keys: 7}}]}]"), "resources"),
        (b"a: [", "yaml"),
    ],
)
def test_other_files_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_encryption(content)
    assert told.lower() in str(caught.value).lower()


def test_no_key_is_told_in_errors_and_reprs() -> None:
    secret = "c3VwZXItc2VjcmV0LWtleS1uZXZlci10b2xkLW9r"
    faulty = document(f"[{entry('secrets', keys('aescbc', ('a', secret)), kms(timeout='0s'))}]")
    with pytest.raises(BadConfiguration) as caught:
        read_encryption(faulty)
    assert secret not in str(caught.value)
    assert "super-secret" not in str(caught.value)
    good = read_encryption(document(one("secrets", CBC))).resources[0].providers[0].aescbc
    assert good is not None
    assert repr(good.keys) == "[Key('key1', …)]"
