"""Ed25519 keys: as PEM files that openssl reads too, or as OpenSSH writes public ones."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)


class KeyRefused(Exception):
    """A key cannot be used; the text says why."""


class Signer(Protocol):
    """Whatever signs: a key in a file, or an agent that has it."""

    @property
    def public(self) -> PublicKey:
        """What its signatures are verified with."""

    def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature of some bytes."""


@dataclass(frozen=True)
class PublicKey:
    """What an auditor is given, on another way than the bundle."""

    raw: bytes
    """32 bytes."""

    @property
    def id(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` shows it: ``SHA256:…``."""
        digest = hashlib.sha256(base64.b64decode(self.ssh.split()[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    @property
    def ssh(self) -> str:
        """As a line of OpenSSH."""
        return self._key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    @property
    def pem(self) -> bytes:
        """As a file for openssl."""
        return self._key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def accepts(self, signature: bytes, data: bytes) -> bool:
        """Whether somebody with the private key signed exactly these bytes."""
        try:
            self._key().verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True)
class PrivateKey:
    """A signer with its key in memory."""

    key: Ed25519PrivateKey

    @classmethod
    def made(cls) -> PrivateKey:
        """A new one."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        """See ``Signer.public``."""
        return PublicKey(self.key.public_key().public_bytes_raw())

    @property
    def pem(self) -> bytes:
        """As a file (PKCS #8) for openssl and ``read_private_key``: whoever reads it can sign."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, data: bytes) -> bytes:
        """See ``Signer.sign``."""
        return self.key.sign(data)


def read_private_key(data: bytes) -> PrivateKey:
    """The key of a PEM file; ``KeyRefused`` where it is none, encrypted, or of another kind."""
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise KeyRefused("the key is encrypted: give it to an ssh-agent, and name its public key here") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("not a private key in PEM form") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused("not an Ed25519 key")
    return PrivateKey(key)


def read_public_key(data: bytes) -> PublicKey:
    """The key of a PEM file, or of a line as OpenSSH writes it; ``KeyRefused`` where it is none, or of another kind."""
    load = load_pem_public_key if data.lstrip().startswith(b"-----BEGIN") else load_ssh_public_key
    try:
        key = load(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("not a public key, in PEM form or as OpenSSH writes it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyRefused("not an Ed25519 key")
    return PublicKey(key.public_bytes_raw())
