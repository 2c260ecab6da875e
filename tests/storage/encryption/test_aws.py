"""A key in AWS KMS, by AWS's own client: used, disabled, exchanged by its alias, and away."""

from __future__ import annotations

import base64
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from strongroom.storage.encryption.aws import AwsKey, AwsKms
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.etcd import free_port
from tests.storage.encryption.clouds import ministack
from tests.waiting import eventually

pytestmark = pytest.mark.needs("ministack")

REGION = "eu-west-1"
SEED = b"a seed of a data key, 32 bytes.."


class Aws:
    """What an administrator has there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = boto3.client("kms", region_name=REGION, endpoint_url=url)

    def key(self) -> str:
        arn: str = self.client.create_key()["KeyMetadata"]["Arn"]
        return arn

    def open(self, key: str, **more: Any) -> AwsKms:
        return AwsKms(AwsKey(key, **{"region": REGION, "endpoint": self.url} | more))

    def answers(self) -> bool:
        try:
            self.client.list_keys()
        except BotoCoreError:
            return False
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("aws")) as url:
        yield url


@pytest.fixture
def aws(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    credentials(monkeypatch, tmp_path)
    made = Aws(place)
    eventually(made.answers)
    yield made
    made.client.close()


def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")


def test_seeds_go_to_aws_and_back(aws: Aws) -> None:
    arn = aws.key()
    kms = aws.open(arn)
    wrapped = kms.encrypt(SEED)
    assert wrapped.key_id == kms.status() == f"awskms:{arn}"
    assert kms.decrypt(wrapped) == SEED
    # AWS's own command line reads it, with the context that is written down.
    answer = aws.client.decrypt(
        CiphertextBlob=wrapped.ciphertext,
        EncryptionContext={"strongroom.io/purpose": "strongroom key-encryption v1"},
    )
    assert answer["Plaintext"] == SEED
    # What was encrypted there for something else is not taken.
    other = aws.client.encrypt(KeyId=arn, Plaintext=SEED)["CiphertextBlob"]
    with pytest.raises(DecryptionFailed, match="InvalidCiphertextException"):
        kms.decrypt(replace(wrapped, ciphertext=other))
    kms.close()


def test_seeds_are_not_logged(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the client itself, to whom a log for debugging is its own."""
    caplog.set_level(logging.DEBUG)
    kms = aws.open(aws.key())
    kms.decrypt(kms.encrypt(SEED))
    told = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert SEED.decode() not in told
    assert base64.b64encode(SEED).decode().rstrip("=") not in told
    kms.close()


def test_an_alias_that_names_another_key(aws: Aws) -> None:
    first, second = aws.key(), aws.key()
    aws.client.create_alias(AliasName="alias/room", TargetKeyId=first)
    kms = aws.open("alias/room")
    wrapped = kms.encrypt(SEED)
    aws.client.update_alias(AliasName="alias/room", TargetKeyId=second)
    assert kms.status() == f"awskms:{second}"
    # Only keys that the settings name are asked: a ciphertext could name anybody's.
    with pytest.raises(DecryptionFailed, match=f"encrypted with key 'awskms:{first}'"):
        kms.decrypt(wrapped)
    after = aws.open("alias/room", before=(first,))
    assert after.decrypt(wrapped) == SEED
    kms.close()
    after.close()


def test_keys_of_others(aws: Aws) -> None:
    kms = aws.open(aws.key())
    for key_id in ("local:1234", "awskms:arn:aws:kms:eu-west-1:999999999999:key/1"):
        with pytest.raises(DecryptionFailed, match=f"encrypted with key '{key_id}'"):
            kms.decrypt(Wrapped(b"x" * 100, key_id))
    kms.close()


def test_a_replica_of_the_key_reads() -> None:
    from strongroom.storage.encryption.aws import _replicas

    name = "arn:aws:kms:{}:111122223333:key/{}"
    assert _replicas(name.format("us-east-1", "mrk-1a"), name.format("eu-west-1", "mrk-1a"))
    assert not _replicas(name.format("us-east-1", "mrk-1a"), name.format("eu-west-1", "mrk-2b"))
    assert not _replicas(name.format("us-east-1", "1a"), name.format("eu-west-1", "1a"))


def test_a_key_that_is_disabled_and_enabled_again(aws: Aws) -> None:
    arn = aws.key()
    kms = aws.open(arn)
    wrapped = kms.encrypt(SEED)
    aws.client.disable_key(KeyId=arn)
    with pytest.raises(KeyServiceError, match=r"encrypt: the key is disabled"):
        kms.status()
    with pytest.raises(KeyServiceError, match=r"decrypt: the key is disabled"):
        kms.decrypt(wrapped)
    aws.client.enable_key(KeyId=arn)
    assert kms.decrypt(wrapped) == SEED
    kms.close()


def test_what_is_not_there(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = f"http://127.0.0.1:{free_port()}"
    for kms, message in (
        (aws.open("alias/none"), r"there is no such key \(NotFoundException\)"),
        (aws.open("alias/room", endpoint=refused), "it cannot be reached"),
        (aws.open("alias/room", profile="nobody"), "there is no such profile"),
    ):
        with pytest.raises(KeyServiceError, match=message):
            kms.status()
        kms.close()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(KeyServiceError, match="no credentials are found"):
        aws.open("alias/room").status()


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("boto3", "aws"),
        ("google.cloud.kms_v1", "gcp"),
        ("azure.identity", "azure"),
        ("pkcs11", "pkcs11"),
    ],
)
def test_a_client_that_is_not_installed(
    module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from strongroom.server.encryption.sources import key_source

    uris = {
        "aws": "awskms:///alias/a",
        "gcp": "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "azure": "azurekms://v.vault.azure.net/keys/k",
        "pkcs11": "pkcs11:token=t;object=o?module-path=/m.so",
    }
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(KeyServiceError, match=rf"pip install 'strongroom\[{extra}\]'"):
        key_source(uris[extra]).open()
