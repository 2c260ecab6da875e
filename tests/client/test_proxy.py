"""Which proxy leads to a server."""

from __future__ import annotations

import pytest

from strongroom.client.errors import InvalidConfig
from strongroom.client.proxy import proxy_for

PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://a.example.com:6443", {}, ""),
        ("https://a.example.com:6443", PROXY, "http://proxy:3128"),
        ("https://a.example.com", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("http://a.example.com", PROXY, ""),
        ("http://a.example.com", {"HTTP_PROXY": "http://p"}, "http://p"),
        ("https://127.0.0.1:6443", PROXY, ""),
        ("https://[::1]:6443", PROXY, ""),
        ("https://localhost:6443", PROXY, ""),
        *[
            ("https://a.example.com:6443", {**PROXY, "NO_PROXY": text}, "")
            for text in (
                "*",
                "example.com",
                ".example.com",
                "*.example.com",
                "x, A.EXAMPLE.COM",
                "a.example.com:6443",
            )
        ],
        *[
            ("https://a.example.com:6443", {**PROXY, "no_proxy": text}, "http://proxy:3128")
            for text in ("ample.com", ".a.example.com", "a.example.com:443", "10.0.0.0/8", ",")
        ],
        ("https://10.1.2.3", {**PROXY, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://10.1.2.3", {**PROXY, "NO_PROXY": "10.1.2.3"}, ""),
        ("https://[fd00::1]", {**PROXY, "NO_PROXY": "fd00::/8"}, ""),
        ("https://11.1.2.3", {**PROXY, "NO_PROXY": "10.0.0.0/8"}, "http://proxy:3128"),
    ],
)
def test_the_environments_proxy(server: str, environ: dict[str, str], proxy: str) -> None:
    assert proxy_for(server, "", environ) == proxy


def test_the_kubeconfigs_comes_first() -> None:
    assert proxy_for("https://127.0.0.1", "http://mine", PROXY) == "http://mine"


def test_what_cannot_be_used_is_told_without_its_password() -> None:
    with pytest.raises(InvalidConfig, match="scheme socks5 cannot be used") as caught:
        proxy_for("https://a.example.com", "socks5://me:hunter2@proxy", {})
    assert "hunter2" not in str(caught.value)
