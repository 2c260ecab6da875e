"""Named checks, and what is told of those that fail."""

import pytest

from strongroom.server.health import Health


async def good() -> None:
    """Passes."""


async def bad() -> None:
    raise RuntimeError("canary")


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ({}, 500, "[+]a ok\n[-]b failed: reason withheld\nreadyz check failed\n"),
        ({"exclude": ["b"]}, 200, "ok"),
        (
            {"exclude": ["b"], "verbose": [""]},
            200,
            "[+]a ok\n[+]b excluded: ok\nreadyz check passed\n",
        ),
        (
            {"exclude": ["b", "z"], "verbose": [""]},
            200,
            (
                "[+]a ok\n[+]b excluded: ok\nwarn: some health checks cannot be excluded: "
                'no matches for "z"\nreadyz check passed\n'
            ),
        ),
    ],
)
async def test_reports(query: dict[str, list[str]], code: int, text: str) -> None:
    reply = await Health("readyz", {"a": good, "b": bad}).report(query)
    assert (reply.status, reply.body.decode()) == (code, text)


async def test_single_checks() -> None:
    health = Health("livez", {"a": good, "b": bad})
    passed, failed = await health.single("a"), await health.single("b")
    assert passed is not None
    assert failed is not None
    assert (passed.status, failed.status) == (200, 500)
    assert b"canary" not in failed.body
    assert await health.single("z") is None
