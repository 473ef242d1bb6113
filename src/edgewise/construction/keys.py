"""Ed25519 keys: whose a module is, and which cloud has integrated an agent."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, told

OWNER_ALONE = 0o600
"""Mode of a key's file: its owner may read and write it, no one else anything."""


@dataclass(frozen=True)
class Key:
    """A private key.

    Attributes:
        private: it; not shown.
    """

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """A signature, 128 hexadecimal digits."""
        return self.private.sign(content).hex()


def make_key(path: Path | None = None) -> Key:
    """A new key.

    Args:
        path: file that it is written to (PEM, PKCS 8), readable by its owner alone. If None, it is kept in memory.

    Raises:
        EdgewiseError: if there is a file already, or it cannot be written.
    """
    key = Key(Ed25519PrivateKey.generate())
    if path is not None:
        make_folder(path.parent)
        content = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE), "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(temporary, path)  # unlike a rename, never in place of another key
        except FileExistsError:
            raise EdgewiseError(f"{path}: is there already; a key is never replaced") from None
        except OSError as error:
            raise EdgewiseError(told(error)) from None
        finally:
            temporary.unlink(missing_ok=True)
    return key


def load_key(path: Path) -> Key:
    """A key from its file.

    Raises:
        EdgewiseError: if it cannot be read, others may read it, or it is no Ed25519 key.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    if mode & 0o077:
        raise EdgewiseError(f"{path}: mode = {mode & 0o777:o}: must be {OWNER_ALONE:o}, for others may use the key")
    try:
        private = load_pem_private_key(content, None)
    except (ValueError, TypeError):
        raise EdgewiseError(f"{path}: must be an Ed25519 key without a password, as PEM") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise EdgewiseError(f"{path}: must be an Ed25519 key")
    return Key(private)


def verify(public: str, signature: str, content: bytes) -> bool:
    """Whether content was signed by the owner of a public key; False for keys and signatures that are none."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
