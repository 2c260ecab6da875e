"""Files of tokens: what they may say, and what is told of those that are wrong."""

from __future__ import annotations

import pytest

from strongroom.access.authn.tokenfile import BadTokenFile, TokenFile
from strongroom.access.user import User


async def whose(content: str, token: str) -> User | None:
    tokens = TokenFile()
    tokens.replace(content.encode())
    found = await tokens.authenticate_token(token)
    return found.user if found else None


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("t,jane,1", User("jane", "1")),
        ("t,jane,", User("jane")),
        ('t,jane,1,"a,b"', User("jane", "1", ("a", "b"))),
        ("t,jane,1,a", User("jane", "1", ("a",))),
        ("t,jane,1,a,ignored", User("jane", "1", ("a",))),
        ('"t","ja""ne",1', User('ja"ne', "1")),
        ("\n\nt,jane,1\r\n\n", User("jane", "1")),
        ("t,other,2\nt,jane,1", User("jane", "1")),
        ("other,jane,1", None),
        ("", None),
        (",jane,1", None),
        ("T,jane,1", None),
        ("tt,jane,1", None),
    ],
)
async def test_lines(line: str, user: User | None) -> None:
    assert await whose(line, "t") == user


async def test_an_empty_token_is_nobodys() -> None:
    assert await whose(",jane,1\nt,joe,2", "") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"canary,jane",
            "line 1: must have at least 3 columns (token, user name, user uid), found 2",
        ),
        (
            b"a,b,c\n\ncanary",
            "line 3: must have at least 3 columns (token, user name, user uid), found 1",
        ),
        (b"a,b,c\ncanary,,1", "line 2: the user has no name"),
        (b'a,b,c\n"canary,jane,1\nx', "line 2: not CSV: quotes that do not match"),
        (b'"canary"x,jane,1', "line 1: not CSV: quotes that do not match"),
        (b"a,b,c\n\xffcanary,b,c", "line 2: not UTF-8"),
    ],
)
async def test_what_is_wrong_is_told_by_its_line_and_the_old_tokens_stay(
    content: bytes, told: str
) -> None:
    tokens = TokenFile()
    tokens.replace(b"old,jane,1")
    with pytest.raises(BadTokenFile) as caught:
        tokens.replace(content)
    assert str(caught.value) == told
    assert await tokens.authenticate_token("old") is not None


async def test_another_content_replaces_all() -> None:
    tokens = TokenFile()
    assert tokens.replace(b"old,jane,1") == []
    odd = tokens.replace(b"new,jane,1\n,joe,2\nnew,jim,3")
    assert odd == [
        "line 2: an empty token, which is left out",
        "line 3: a token that was there before; the last line counts",
    ]
    assert await tokens.authenticate_token("old") is None
    found = await tokens.authenticate_token("new")
    assert found is not None
    assert found.user == User("jim", "3")


async def test_tokens_that_meet_in_a_bucket_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.access.authn.tokenfile._BUCKET", 0)
    tokens = TokenFile()
    tokens.replace(b"a,jane,1\nb,joe,2")
    for token, name in (("a", "jane"), ("b", "joe")):
        found = await tokens.authenticate_token(token)
        assert found is not None
        assert found.user.name == name
    assert await tokens.authenticate_token("c") is None
    assert "jane" in repr(tokens._entries)
    assert "digest" not in repr(tokens._entries)
