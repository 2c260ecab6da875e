"""Where the values of `strongroom secret set` come from: never the arguments, unless forced.

What stands in arguments is seen by every user of the machine (``ps``), and kept in the history of
the shell.
"""

from __future__ import annotations

import getpass
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

import click

from strongroom.cli.people import Failure
from strongroom.cli.secret.generate import UnknownGenerator, generate


def read_values(
    settings: Iterable[str],
    *,
    generators: Iterable[str] = (),
    env_file: Path | None = None,
    allow_argv: bool = False,
    raw: bool = False,
) -> dict[str, bytes]:
    """The values by key, read in the order in which they were asked for.

    Raises click.UsageError, which quotes keys and files and no value; Failure for what cannot be
    read.
    """
    values: dict[str, bytes] = {}
    if env_file is not None:
        values |= _environment(env_file)
    asked = [_split(setting) for setting in settings]
    made = [_split(setting, "KEY=KIND, such as password=password:32") for setting in generators]
    _distinct([key for key, _ in [*asked, *made]])
    if sum(source == "-" for _, source in asked) > 1:
        raise click.UsageError("only one key can be read from standard input; use KEY=@FILE")
    for key, source in asked:
        values[key] = _read(key, source, allow_argv=allow_argv, raw=raw)
    for key, text in made:
        try:
            values[key] = generate(text)
        except UnknownGenerator as error:
            raise click.UsageError(f"--generate {key}: {error}") from None
    return values


def _split(setting: str, wanted: str = "KEY=-, KEY=@FILE or KEY=?") -> tuple[str, str]:
    from strongroom.api.validation import config_map_key

    key, equals, source = setting.partition("=")
    if not equals:
        # A word without a key may be a value that was pasted: it is not quoted.
        raise click.UsageError(f"expected {wanted}; an argument has no '='")
    if problems := config_map_key(key):
        raise click.UsageError(f"a key is not usable: {problems[0]}")
    return key, source


def _distinct(keys: list[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise click.UsageError(f"{key} is given twice")


def _read(key: str, source: str, *, allow_argv: bool, raw: bool) -> bytes:
    if source == "?" or (source == "-" and sys.stdin.isatty()):
        return _prompted(key)
    if source == "-":
        return _from_stdin(key, raw)
    if source.startswith("@"):
        return _from_file(key, source[1:])
    if not allow_argv:
        raise click.UsageError(
            f"{key}: a value in the arguments is seen by every user of this machine and kept by "
            f"your shell.\nUse {key}=- (standard input), {key}=@FILE, {key}=? (asks for it) or "
            f"--generate {key}=password:32;\n--allow-argv takes it all the same."
        )
    return source.encode()


def _prompted(key: str) -> bytes:
    # Standard output may go to a file: what asks does so on standard error.
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            text: str = click.prompt(key, hide_input=True, confirmation_prompt=True, err=True)
        except getpass.GetPassWarning:
            raise Failure(
                f"{key}: there is no terminal to ask on; use {key}=- or {key}=@FILE"
            ) from None
    return text.encode()


def _from_stdin(key: str, raw: bool) -> bytes:
    """All of standard input. Of a single line the end goes: ``echo`` adds it, nobody means it.

    Raises Failure when nothing is left: a program that failed in a pipe must not empty a key.
    """
    content = sys.stdin.buffer.read()
    if raw:
        return content
    if content.count(b"\n") == 1 and content.endswith(b"\n"):
        content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise Failure(f"{key}: standard input is empty; for an empty value use {key}=@/dev/null")
    return content


def _from_file(key: str, name: str) -> bytes:
    if not name:
        raise click.UsageError(f"{key}=@ names no file")
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise Failure(f"{key}: cannot read {name}: {error.strerror}") from error


def _environment(path: Path) -> dict[str, bytes]:
    """A file of ``KEY=VALUE`` lines, read as kubectl does: no quotes, and ``#`` comments."""
    from strongroom.api.validation import config_map_key

    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8 text") from None
    values: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        text = line.lstrip().removeprefix("\ufeff")
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"{path}, line {number}: expected KEY=VALUE")
        if problems := config_map_key(key):
            raise click.UsageError(f"{path}, line {number}: the key is not usable: {problems[0]}")
        if key in values:
            raise click.UsageError(f"{path}, line {number}: {key} is there twice")
        values[key] = value.encode()
    return values
