"""Key files that one TPM 2.0 opens, and with some values of its PCRs only if asked for.

    strongroom keys sealed by a TPM, version 1
    pcrs: sha256:0,7 (or none)
    parent: <the TPM's name of its primary key, in hexadecimal>
    public: <base64 of a TPM2B_PUBLIC>
    private: <base64 of a TPM2B_PRIVATE>
    sealed: <see sealedtext.py>

The TPM holds nothing of ours: public and private are a random key that it encrypted under the
primary key of its owner hierarchy, which it derives anew each time, and which no other TPM can.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Final

from strongroom.storage.encryption.port import KeyFileSealed, KeyServiceError
from strongroom.storage.encryption.seal import FIRST_LINES, TPM, check_sealed_by, damaged
from strongroom.storage.encryption.sealedtext import (
    KEY_SIZE,
    decoded,
    head_of,
    sealed_data,
    unsealed,
    with_sealed,
)
from strongroom.storage.encryption.tpm_policy import ANY_STATE, PCRs
from strongroom.storage.encryption.tpm_tools import NOT_GENUINE, POLICY_FAILED, TPMError, TPMTools

_NONE = "none"
_SHA256_ID: Final = b"\x00\x0b"
_ATTRIBUTES = "fixedtpm|fixedparent|noda"
"""Bound to this TPM; opened by its policy and not by a password, so that there is none to guess."""


@dataclass(frozen=True, slots=True)
class _Head:
    """What a file says before the keys."""

    pcrs: PCRs | None
    parent: str
    public: bytes
    private: bytes = field(repr=False)

    def text(self) -> bytes:
        return head_of(
            (
                FIRST_LINES[TPM],
                f"pcrs: {self.pcrs or _NONE}",
                f"parent: {self.parent}",
                f"public: {base64.b64encode(self.public).decode()}",
                f"private: {base64.b64encode(self.private).decode()}",
            )
        )


class TPMSeal:
    """A `Seal` by a TPM, which tpm2-tools reach by ``tcti``. ``pcrs``: what a new file is bound to.

    The key that the TPM gave out is kept, so that it is asked once: it takes a second or more. Safe
    for threads, and processes that open the same file do it one after another.
    """

    def __init__(self, pcrs: PCRs | None = None, tcti: str | None = None) -> None:
        self._pcrs, self._tcti = pcrs, tcti
        self._head, self._key = b"", b""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"TPMSeal({self._pcrs or _NONE})"

    def opened(self, path: Path, content: bytes) -> bytes:
        head, data = _parse(path, content)
        if self._pcrs is not None and head.pcrs != self._pcrs:
            raise KeyFileSealed(
                f"the key file {path} is sealed to the PCRs {head.pcrs or _NONE}, and not to "
                f"{self._pcrs}: change that with `strongroom keys reseal`"
            )
        text = head.text()
        with self._lock:
            key = self._key
            if text != self._head:
                with _in_turn(path):
                    key = _unseal(path, head, self._tcti)
            keys = unsealed(text, key, data)
            if keys is None:
                raise damaged(path)
            self._head, self._key = text, key
        return keys

    def closed(self, keys: bytes) -> bytes:
        with self._lock:
            if not self._head:
                head, key = _seal(self._pcrs, self._tcti)
                self._head, self._key = head.text(), key
            return with_sealed(self._head, self._key, keys)


def _parse(path: Path, content: bytes) -> tuple[_Head, bytes]:
    check_sealed_by(TPM, path, content)
    lines = content.decode("ascii", "replace").splitlines()
    if len(lines) != 6:
        raise damaged(path)
    pcrs, parent = lines[1].removeprefix("pcrs: "), lines[2].removeprefix("parent: ")
    public, private = decoded(lines[3], "public: "), decoded(lines[4], "private: ")
    try:
        head = _Head(PCRs.parse(pcrs) if pcrs != _NONE else None, parent, public, private)
    except ValueError:
        raise damaged(path) from None
    data = sealed_data(lines[5])
    if not (public and private and data) or head.text() != head_of(lines[:5]):
        raise damaged(path)
    return head, data


@contextlib.contextmanager
def _in_turn(path: Path) -> Iterator[None]:
    """A TPM without a resource manager has room for three objects and no more."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield  # The file went away after it was read.
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _seal(pcrs: PCRs | None, tcti: str | None) -> tuple[_Head, bytes]:
    """A random key, sealed; it was opened again, so that nothing is closed for ever."""
    key = secrets.token_bytes(KEY_SIZE)
    with TPMTools(tcti) as tools:
        parent = _primary(tools)
        tools.put("policy", _policy(tools, pcrs))
        with _session(tools, "--hmac-session", "--enable-decrypt") as session:
            tools.run(
                *("tpm2_create", "-Q", "-C", "primary", "-P", session, "-g", "sha256", "-L"),
                *("policy", "-i", "-", "-u", "public", "-r", "private", "-a", _ATTRIBUTES),
                given=key,
            )
        tools.forget("-t")
        head = _Head(pcrs, parent, tools.got("public"), tools.got("private"))
        if not compare_digest(_opened(tools, head), key):
            raise KeyServiceError("the TPM does not give back what was sealed by it")
    return head, key


def _unseal(path: Path, head: _Head, tcti: str | None) -> bytes:
    with TPMTools(tcti) as tools:
        if _primary(tools) != head.parent:
            raise KeyServiceError(
                f"the key file {path} is sealed by another TPM than this machine's, or this one "
                "was cleared since: use the machine that it is of, or restore the key file from a "
                "copy under another seal"
            )
        tools.put("public", head.public)
        tools.put("private", head.private)
        try:
            return _opened(tools, head)
        except TPMError as error:
            if error.code == POLICY_FAILED and head.pcrs is not None:
                raise _changed(path, head.pcrs) from None
            # What this very TPM made and does not take back is not what it made.
            if error.code in {POLICY_FAILED, NOT_GENUINE}:
                raise damaged(path) from None
            raise


def _changed(path: Path, pcrs: PCRs) -> KeyServiceError:
    return KeyServiceError(
        f"the key file {path} opens only with the values that the PCRs {pcrs} had when it was "
        "sealed, and they have changed, as with new firmware, boot loader or kernel: start the "
        "machine as it was and seal the keys anew with `strongroom keys reseal`, or restore the "
        "key file from a copy under another seal"
    )


def _primary(tools: TPMTools) -> str:
    """Have the TPM derive its primary key; its name."""
    hierarchy = ("-C", "o", "-G", "ecc", "-g", "sha256")
    tools.run("tpm2_createprimary", "-Q", *hierarchy, "-c", "primary", "-o", "parent", "-f", "tss")
    # The name of an object: the algorithm, and the hash of its public part without the size.
    return (_SHA256_ID + sha256(tools.got("parent")[2:]).digest()).hex()


def _policy(tools: TPMTools, pcrs: PCRs | None) -> bytes:
    if pcrs is None:
        return ANY_STATE
    tools.run("tpm2_pcrread", "-Q", str(pcrs), "-o", "values")
    try:
        return pcrs.policy(tools.got("values"))
    except ValueError:
        raise KeyServiceError(f"the TPM does not have the PCRs {pcrs}: that bank is off") from None


def _opened(tools: TPMTools, head: _Head) -> bytes:
    """What the TPM gives out, over a session that is encrypted by a key of the TPM."""
    loaded = ("-u", "public", "-r", "private", "-c", "sealed")
    tools.run("tpm2_load", "-Q", "-C", "primary", *loaded)
    tools.forget("-t")
    with _session(tools, "--policy-session", "--enable-encrypt") as session:
        if head.pcrs is None:
            tools.run("tpm2_policycommandcode", "-Q", "-S", "session", "TPM2_CC_Unseal")
        else:
            tools.run("tpm2_policypcr", "-Q", "-S", "session", "-l", str(head.pcrs))
        return tools.run("tpm2_unseal", "-c", "sealed", "-p", session)


@contextlib.contextmanager
def _session(tools: TPMTools, kind: str, protection: str) -> Iterator[str]:
    """A session whose parameters nobody on the wires between here and the TPM can read."""
    tools.run("tpm2_startauthsession", "-Q", kind, "--tpmkey-context=primary", "-S", "session")
    try:
        tools.run("tpm2_sessionconfig", protection, "session")
        tools.forget("-t")
        yield "session:session"
    finally:
        with contextlib.suppress(TPMError):
            tools.forget("session")
