"""Certificates and keys of a construction beyond one machine: TLS of the SuperLink, and keys by which SuperNodes are known."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file, told
from edgewise.construction.keys import OWNER_ALONE, Key, load_key, make_key
from edgewise.construction.processes import Security

CA, CERTIFICATE, CERTIFICATE_KEY = "ca.pem", "server.pem", "server-key.pem"
NODE_KEY, PUBLIC, KEY_FILE = "node-key.pem", "public.json", "key.pem"
ADMITTED = "admitted"
"""Folder of the public files of the edge servers that a cloud server admits."""
DAYS = 825
"""How long certificates are good, days; some clients take none that are good for longer."""


def make_cloud_keys(folder: Path, hosts: Sequence[str]) -> Key:
    """Make the keys of a cloud server: its own, an authority of its own, and a certificate of the SuperLink.

    Args:
        folder: of the cloud server.
        hosts: names and addresses by which edge servers reach it; the loopback is added.

    Raises:
        EdgewiseError: if they are there already, or cannot be written.
    """
    make_folder(folder)
    key = make_key(folder / KEY_FILE)
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edgewise construction")])
    ca = (
        _certificate(name, name, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0] if hosts else "localhost")])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    names = [_host(host) for host in dict.fromkeys([*hosts, "localhost", "127.0.0.1"])]
    certificate = (
        _certificate(subject, name, server.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(issuer, critical=False)
        .sign(authority, hashes.SHA256())
    )
    replace_file(folder / CA, ca.public_bytes(Encoding.PEM))
    replace_file(folder / CERTIFICATE, certificate.public_bytes(Encoding.PEM))
    _write_private(folder / CERTIFICATE_KEY, server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def make_edge_keys(folder: Path, name: str) -> dict[str, Any]:
    """Make the keys of an edge server: one that signs modules, one by which its SuperNode is known.

    Args:
        folder: of the edge server.
        name: as it calls itself.

    Returns:
        What it may tell: its name and public keys; also in `public.json`, for the cloud server to admit.

    Raises:
        EdgewiseError: if they are there already, or cannot be written.
    """
    make_folder(folder)
    path = folder / KEY_FILE
    key = load_key(path) if path.exists() else make_key(path)
    node = ec.generate_private_key(ec.SECP384R1())
    _write_private(folder / NODE_KEY, node.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = node.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    facts = {"name": name, "edge": key.public, "node": public}
    replace_file(folder / PUBLIC, json.dumps(facts, indent=2).encode())
    return facts


def admit(folder: Path, files: Iterable[Path]) -> list[dict[str, Any]]:
    """Admit edge servers by their public files, and tell all that are admitted.

    Raises:
        EdgewiseError: if a file cannot be read, or is none of an edge server.
    """
    place = folder / ADMITTED
    make_folder(place)
    for path in files:
        facts = read_public(path)
        replace_file(place / f"{facts['edge']}.json", json.dumps(facts).encode())
    return [read_public(path) for path in sorted(place.glob("*.json"))]


def read_public(path: Path) -> dict[str, Any]:
    """The public file of an edge server.

    Raises:
        EdgewiseError: if it cannot be read, or is none.
    """
    try:
        facts = json.loads(path.read_bytes())
        if not isinstance(facts, dict) or not all(
            isinstance(facts.get(each), str) for each in ("name", "edge", "node")
        ):
            raise ValueError
        bytes.fromhex(facts["edge"])
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    except ValueError:
        raise EdgewiseError(f"{path}: must be the {PUBLIC} of an edge server") from None
    return facts


def cloud_security(folder: Path) -> Security:
    """What protects a cloud server's SuperLink.

    Raises:
        EdgewiseError: if a file is missing.
    """
    found = Security(folder / CA, folder / CERTIFICATE, folder / CERTIFICATE_KEY)
    _require((found.ca, folder / CERTIFICATE, folder / CERTIFICATE_KEY), "edgewise construct keys cloud")
    return found


def edge_security(folder: Path, ca: Path) -> Security:
    """What protects an edge server's connection.

    Raises:
        EdgewiseError: if a file is missing.
    """
    _require((folder / NODE_KEY,), "edgewise construct keys edge")
    _require((ca,), "copy it from the cloud server, whose `edgewise construct keys cloud` makes it")
    return Security(ca, node_key=folder / NODE_KEY)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require(paths: Sequence[Path], advice: str) -> None:
    for path in paths:
        if not path.exists():
            raise EdgewiseError(f"{path}: is missing: {advice}")


def _certificate(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise ConfigurationError("host", host, "a name or an address") from None


def _write_private(path: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE), "wb") as stream:
            stream.write(content)
    except FileExistsError:
        raise EdgewiseError(f"{path}: is there already; a key is never replaced") from None
    except OSError as error:
        raise EdgewiseError(told(error)) from None
