"""What a server tells people beside its answer."""

from __future__ import annotations

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.transport import warning_texts
from strongroom.resources.secret import SECRETS, TLS, Secret
from strongroom.testing.process import Strongroom


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ([], []),
        (['299 - "one"'], ["one"]),
        (
            ['299 - "one, \\"two\\" \\\\", 299 kube "three"', '299 - "four"'],
            ['one, "two" \\', "three", "four"],
        ),
        (['199 - "other"', "299 - none", '299 - "unfinished'], []),
    ],
)  # fmt: skip - a header with its texts
def test_the_texts_of_warning_headers(headers: list[str], texts: list[str]) -> None:
    assert warning_texts(headers) == texts


async def test_warnings_are_heard(api: Strongroom, namespace: str) -> None:
    heard: list[str] = []
    async with Client(load_config(api.kubeconfig), heard=heard.append) as client:
        wrong = Secret(type=TLS, data={"tls.crt": b"1", "tls.key": b"1"})
        wrong.metadata.name = "wrong"
        await client.create(SECRETS, wrong, namespace)
    assert heard == ["tls: failed to find any PEM data in certificate input"]
