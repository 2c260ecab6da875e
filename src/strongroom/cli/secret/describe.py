"""What a value is, for people, without telling any of it that is secret."""

from __future__ import annotations

from datetime import datetime

from strongroom.cli.secret.registries import hosts
from strongroom.resources import pem
from strongroom.resources.certificate_names import subject_of
from strongroom.resources.certificate_times import end_of
from strongroom.resources.secret_expiry import Expiry, token_end


def described(key: str, value: bytes, now: datetime) -> str:
    """The kind of the value, and what is public of it: subjects, ends, registries."""
    if not value:
        return "empty"
    if key == ".dockerconfigjson" and (known := hosts(value)):
        return f"credentials for {', '.join(known)}"
    if (end := end_of(value)) is not None:
        blocks = list(pem.blocks(value))
        subject = next((subject_of(b.content) for b in blocks if b.type == pem.CERTIFICATE), "")
        more = f" and {len(blocks) - 1} more" if len(blocks) > 1 else ""
        return f"certificate {subject}{more}, {_told(end, now)}"
    if (end := token_end(value)) is not None:
        return f"token, {_told(end, now)}"
    if (block := pem.first(value)) is not None:
        return f"PEM: {block.type.lower()}"
    return "text" if is_text(value) else "binary"


def is_text(value: bytes) -> bool:
    """Whether a terminal shows the value as it is: UTF-8 without control characters."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\n\t" for char in text)


def _told(end: datetime, now: datetime) -> str:
    day = f"{end:%Y-%m-%d}"
    when = Expiry(end, "", "").told(now).partition(" (")[0]
    return f"{when} ({day})"
