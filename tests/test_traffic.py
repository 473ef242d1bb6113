"""What leaves an edge server: a relay writes all of it down, and data are found in it in whatever open form they are sent."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import socket
import socketserver
import ssl
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

import construction_parts as parts
from edgewise.construction.artefact import pack
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, Data
from edgewise.construction.leaks import Marks, marks_of, search, texts_in, without
from edgewise.construction.processes import LOOPBACK, free_port
from edgewise.construction.relay import DOWN, UP, Relay, recorded
from edgewise.construction.security import cloud_security, make_cloud_keys

TEXTS = ("Sag Jürgen, wo das Hotel in Malmö liegt", "the amount of the bill is 1749")
Disguise = Callable[[bytes], bytes]


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("innocent.txt", content)
    return stream.getvalue()


DISGUISES: dict[str, Disguise] = {
    "none": bytes,
    "gzip": gzip.compress,
    "zlib": lambda content: zlib.compress(content, 9),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "base64": base64.b64encode,
    "base64 of the web, in lines": lambda content: base64.encodebytes(content).replace(b"+", b"-").replace(b"/", b"_"),
    "digits": lambda content: content.hex().encode(),
    "base64 of gzip": lambda content: base64.b64encode(gzip.compress(content)),
    "zip of digits": lambda content: zipped(content.hex().encode()),
}


@pytest.fixture(scope="module")
def data() -> Data:
    return MODULES.find("perception").draw_data(parts.APPS, 12, 3, "de")


@pytest.fixture(scope="module")
def marks(data: Data) -> list[Marks]:
    return marks_of({"es": data}, {"es": texts_in([{"wish": TEXTS[0]}, TEXTS[1], "short"])})


@pytest.fixture(scope="module")
def module() -> bytes:
    """A module that was built from other data."""
    return pack(*parts.build("perception", 2), make_key())


def written(row: np.ndarray) -> dict[str, bytes]:
    """One example as it may be sent."""
    levels = np.rint(255 * row).astype(np.uint8)
    return {
        "<f4": row.astype("<f4").tobytes(),
        "<f2": row.astype(np.float16).tobytes(),
        "<f8": row.astype(np.float64).tobytes(),
        ">f4": row.astype(">f4").tobytes(),
        "256 levels": levels.tobytes(),
        "JSON": json.dumps(row.ravel().tolist()).encode(),
    }


@pytest.mark.parametrize("disguise", DISGUISES)
def test_one_example_among_the_bytes_of_a_module_is_found(
    data: Data, marks: list[Marks], module: bytes, disguise: str
) -> None:
    for form, content in written(data["picture"][7]).items():
        sent = module[:1001] + DISGUISES[disguise](content) + module[-1000:]
        hits = search([("up", sent)], marks)
        assert {hit.what.rpartition(", ")[2] for hit in hits} == {"example 7"}, form
        assert any(form in hit.what for hit in hits)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_text_is_found_however_it_is_written(marks: list[Marks], module: bytes, disguise: str) -> None:
    for content in (TEXTS[0].encode(), TEXTS[0].encode("utf-16-le"), json.dumps(TEXTS).encode()):
        hits = search([("up", module[:1000] + DISGUISES[disguise](b"?" + content) + module[-1001:])], marks)
        assert any("text" in hit.what and "example 0" in hit.what for hit in hits)


def test_an_example_in_place_of_some_weights_is_found(data: Data, marks: list[Marks]) -> None:
    manifest, weights = parts.build("perception", 1)
    largest = max(weights, key=lambda name: weights[name].size)
    leaking = weights[largest].copy()
    leaking.ravel()[301 : 301 + 256] = data["picture"][5].ravel()
    hits = search([("up", pack(manifest, {**weights, largest: leaking}, make_key()))], marks)
    assert [hit.what for hit in hits] == ["es: picture, <f4, example 5"]


def test_an_eighth_of_an_example_is_found(data: Data, marks: list[Marks]) -> None:
    row = data["picture"][2].ravel()
    for start in range(0, len(row) - 32, 7):
        assert search([("up", b"odd" + row[start : start + 32].tobytes())], marks)


def test_honest_modules_hold_none_of_the_data(marks: list[Marks], module: bytes) -> None:
    assert search([("raw", module), ("gzip", gzip.compress(module)), ("base64", base64.b64encode(module))], marks) == []
    assert search([("empty", b""), ("short", b"1234567")], marks) == []
    assert search([("up", module)], marks_of({})) == []


def test_what_everybody_has_is_no_mark(data: Data, marks: list[Marks], module: bytes) -> None:
    public = module[:500] + json.dumps(TEXTS[1]).encode() + gzip.compress(data["picture"][3].tobytes())
    rest = without(marks, public)
    assert search([("up", public)], rest) == []
    assert [hit.what for hit in search([("up", data["picture"][4].tobytes())], rest)] == ["es: picture, <f4, example 4"]
    assert search([("up", TEXTS[0].encode())], rest)


def test_what_has_few_different_bytes_is_no_mark() -> None:
    plain = {"zeros": np.zeros((2, 64), np.float32), "flags": np.tile([0, 1, 1, 0], (2, 16)), "few": np.ones((3, 2))}
    assert all(len(each.keys) == 0 for each in marks_of({"es": plain}))


class Doubling(socketserver.BaseRequestHandler):
    """Answers each piece by the piece twice."""

    def handle(self) -> None:
        while piece := self.request.recv(2**16):
            self.request.sendall(2 * piece)


@contextmanager
def doubling(context: ssl.SSLContext | None) -> Iterator[str]:
    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Doubling) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{LOOPBACK}:{server.server_address[1]}"
        server.shutdown()


def connected(address: str, context: ssl.SSLContext | None) -> socket.socket:
    host, _, port = address.rpartition(":")
    plain = socket.create_connection((host, int(port)), 10)
    return plain if context is None else context.wrap_socket(plain, server_hostname=host)


@pytest.mark.parametrize("protected", [False, True])
def test_a_relay_passes_everything_on_and_writes_it_down(tmp_path: Path, protected: bool) -> None:
    security, server, client = None, None, None
    if protected:
        make_cloud_keys(tmp_path, [LOOPBACK])
        security = cloud_security(tmp_path)
        server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
        server.load_cert_chain(security.certificate, security.key)
        client.load_verify_locations(security.ca)
    with doubling(server) as address, Relay(tmp_path / "wire", address, security) as relay:
        for said in (b"first", np.random.default_rng(0).bytes(30_000)):
            with connected(relay.address, client) as line:
                line.sendall(said)
                got = b""
                while len(got) < 2 * len(said):
                    got += line.recv(2**16)
        assert len(got) == 2 * len(said)
    assert [content for _, content in recorded(tmp_path / "wire", UP)] == [b"first", said]
    assert [content for _, content in recorded(tmp_path / "wire", DOWN)] == [2 * b"first", got]


def test_where_nobody_listens_a_relay_ends_the_connection(tmp_path: Path) -> None:
    with Relay(tmp_path / "wire", f"{LOOPBACK}:{free_port()}") as relay, connected(relay.address, None) as line:
        assert line.recv(1) == b""
    assert recorded(tmp_path / "wire", UP) == []
