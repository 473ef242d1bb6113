"""Looking for data in bytes: whether anything of an edge server's examples is in what has left it.

Data are recognised by short runs of their bytes, in every form in which somebody may send them without hiding them: numbers in
other types or written out, texts in other encodings, all of it compressed or in base64 or hexadecimal digits. What is encrypted,
or learned by weights, is not found.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8, UInt64

from edgewise.construction.kind import Data

KEY = 8
"""Bytes of a run by which it is looked up."""
NUMBERS, LETTERS = 32, 16
"""Bytes of a run of numbers, and of text."""
RUNS = 16
"""Runs of an example at most, evenly spaced: any eighth of it is found, or any two runs of one that has fewer."""
DISTINCT = 5
"""Different bytes that a run must have: what has fewer, such as zeros and ones, is no mark of anything."""
TYPES = ("<f4", "<f2", "<f8", ">f4", ">f2", ">f8")
WHOLE_TYPES = ("<i4", "<i2", "<i8", "u1", ">i4", ">i2", ">i8")
"""Types in which numbers are looked for; whole ones among TYPES too."""
LEVELS = 255
"""A number in [0, 1] is looked for as one of so many levels too, as in a picture's file."""
DEPTH = 3
"""How often something may be packed: base64 of a compressed file is 2."""
MOST = 2**26
"""Bytes that are unpacked of one place."""
STEP = 2**16
"""Bytes that are unpacked at a time: what is damaged further on is lost from there."""
PACKED: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b\x08": lambda: zlib.decompressobj(31),
    **{bytes([0x78, level]): zlib.decompressobj for level in (0x01, 0x5E, 0x9C, 0xDA)},
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lzma.LZMADecompressor,
    b"PK\x03\x04": lambda: zlib.decompressobj(-15),
}
"""How compressed content begins, and what unpacks it."""
BEGINNING = re.compile(b"|".join(re.escape(each) for each in PACKED))
BASE64, HEX = re.compile(rb"[A-Za-z0-9+/_\r\n=-]{32,}"), re.compile(rb"[0-9A-Fa-f]{64,}")


@dataclass(frozen=True)
class Marks:
    """Runs of bytes by which data are recognised, all of one length, in the order of their keys.

    Attributes:
        keys: the eight bytes of each by which it is looked up.
        offsets: where in the run they stand.
        runs: the bytes.
        kinds: place in `names` of what each is of.
        examples: of which it is.
        names: what there is.
    """

    keys: UInt64[np.ndarray, " n"]
    offsets: Int[np.ndarray, " n"]
    runs: UInt8[np.ndarray, "n length"]
    kinds: Int[np.ndarray, " n"]
    examples: Int[np.ndarray, " n"]
    names: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Hit:
    """Data that were found.

    Attributes:
        where: name of the content, and how it was unpacked.
        what: name of the data, their form and the example.
        place: byte at which it stands there, the first time.
    """

    where: str
    what: str
    place: int


def marks_of(data: Mapping[str, Data], texts: Mapping[str, Iterable[str]] | None = None) -> list[Marks]:
    """Marks of data and of texts.

    Args:
        data: arrays of examples by name, by the name of whose they are.
        texts: by the name of whose they are. If None, there are none.
    """
    numbers, letters = _Cutter(NUMBERS), _Cutter(LETTERS)
    for owner, arrays in data.items():
        for name, array in arrays.items():
            for form, rows in forms(array):
                numbers.cut(f"{owner}: {name}, {form}", rows)
    for owner, several in (texts or {}).items():
        said = list(several)
        letters.cut(f"{owner}: text, UTF-8", [each.encode() for each in said])
        letters.cut(f"{owner}: text, UTF-16", [each.encode("utf-16-le") for each in said])
        letters.cut(f"{owner}: text, JSON", [json.dumps(each)[1:-1].encode() for each in said if not each.isascii()])
    return [each.marks() for each in (numbers, letters)]


def forms(array: np.ndarray) -> Iterator[tuple[str, list[bytes]]]:
    """Name of each form in which somebody may send an array of examples, and the bytes of each example in it."""
    rows = np.asarray(array).reshape(len(array), -1)
    whole = rows.dtype.kind != "f"
    with np.errstate(over="ignore", invalid="ignore"):
        for kind in (*TYPES, *(WHOLE_TYPES if whole else ())):
            yield kind, [row.tobytes() for row in rows.astype(kind)]
        if rows.size and rows.min() >= 0 and rows.max() <= 1:
            yield f"{LEVELS + 1} levels", [row.tobytes() for row in np.rint(rows * LEVELS).astype(np.uint8)]
    spoken = [", ".join(map(repr, row.tolist())).encode() for row in rows]
    yield "JSON", spoken
    yield "JSON without blanks", [each.replace(b" ", b"") for each in spoken]


def texts_in(values: Any) -> Iterator[str]:
    """All texts in plain values that are long enough to be recognised."""
    if isinstance(values, str):
        if len(values.encode()) >= LETTERS:
            yield values
    elif isinstance(values, Mapping):
        for each in values.values():
            yield from texts_in(each)
    elif isinstance(values, list | tuple):
        for each in values:
            yield from texts_in(each)


class _Cutter:
    """Cuts pieces of bytes into runs."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._names: list[str] = []
        self._runs, self._examples, self._kinds = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()

    def cut(self, name: str, pieces: Iterable[bytes]) -> None:
        """Take the runs of examples that are marks of something."""
        for number, piece in enumerate(pieces):
            if len(piece) < self._length:
                continue
            last = len(piece) - self._length
            starts = np.append(np.arange(0, last, max(self._length, -(-len(piece) // RUNS))), last)
            runs = np.frombuffer(piece, np.uint8)[starts[:, None] + np.arange(self._length)]
            runs = runs[_distinct(runs) >= DISTINCT]
            self._runs.append(runs)
            self._examples.append(np.full(len(runs), number))
            self._kinds.append(np.full(len(runs), len(self._names)))
        self._names.append(name)

    def marks(self) -> Marks:
        """All of them."""
        runs = np.concatenate([np.zeros((0, self._length), np.uint8), *self._runs])
        parts = runs.reshape(len(runs), self._length // KEY, KEY)
        best = np.stack([_distinct(parts[:, place]) for place in range(parts.shape[1])], -1).argmax(-1)
        keys = parts[np.arange(len(runs)), best].copy().view("<u8")[:, 0]
        order = np.argsort(keys, kind="stable")
        none = np.zeros(0, int)
        examples, kinds = (np.concatenate([none, *each])[order] for each in (self._examples, self._kinds))
        return Marks(keys[order], KEY * best[order], runs[order], kinds, examples, tuple(self._names))


def _distinct(runs: UInt8[np.ndarray, "n length"]) -> Int[np.ndarray, " n"]:
    """How many different bytes each run has."""
    found: np.ndarray = (np.diff(np.sort(runs, -1), axis=-1) != 0).sum(-1) + 1
    return found


def unpacked(content: bytes, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """Content as it is, and everything in it that can be unpacked, with the way to it in words."""
    yield "", content
    if depth:
        for name, inner in _inside(content):
            for further, each in unpacked(inner, depth - 1):
                yield f" > {name}{further}", each


def _inside(content: bytes) -> Iterator[tuple[str, bytes]]:
    view = memoryview(content)
    for found in BEGINNING.finditer(content):
        start = found.start()
        if found[0] == b"PK\x03\x04":  # the compressed file comes after a header with its name
            header = content[start : start + 30]
            start += 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        inner = _inflated(PACKED[found[0]](), view[start:])
        if len(inner) >= LETTERS:
            yield f"compressed at {found.start()}", inner
    for found in BASE64.finditer(content):
        run = found[0].translate(bytes.maketrans(b"-_", b"+/"), b"\r\n=")
        for offset in range(4):
            part = run[offset:]
            yield f"base64 at {found.start() + offset}", base64.b64decode(part[: len(part) // 4 * 4])
    for found in HEX.finditer(content):
        for offset in range(2):
            part = found[0][offset:]
            yield f"digits at {found.start() + offset}", binascii.unhexlify(part[: len(part) // 2 * 2])


def _inflated(machine: Any, content: memoryview) -> bytes:
    """What can be unpacked from the beginning of content."""
    found = bytearray()
    try:
        for start in range(0, len(content), STEP):
            found += machine.decompress(content[start : start + STEP])
            if machine.eof or len(found) > MOST:
                break
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        pass
    return bytes(found)


def search(contents: Iterable[tuple[str, bytes]], marks: Iterable[Marks]) -> list[Hit]:
    """Look for data.

    Args:
        contents: bytes by name.
        marks: of the data.

    Returns:
        For every example and form and way of unpacking, the first place where it was found.
    """
    marks, hits = list(marks), dict[tuple[str, str], Hit]()
    for name, content in contents:
        for way, inner in unpacked(content):
            for each in marks:
                for mark, place in _found(inner, each):
                    what = f"{each.names[each.kinds[mark]]}, example {each.examples[mark]}"
                    hits.setdefault((name + way, what), Hit(name + way, what, place))
    return list(hits.values())


def without(marks: Iterable[Marks], public: bytes) -> list[Marks]:
    """Those marks that are not in what everybody has: texts of schemas are no data of anybody."""
    found = []
    for each in marks:
        kept = np.ones(len(each.keys), bool)
        for _, inner in unpacked(public):
            kept[[mark for mark, _ in _found(inner, each)]] = False
        keys, offsets, runs, kinds, examples = (
            part[kept] for part in (each.keys, each.offsets, each.runs, each.kinds, each.examples)
        )
        found.append(Marks(keys, offsets, runs, kinds, examples, each.names))
    return found


def _found(content: bytes, marks: Marks) -> Iterator[tuple[int, int]]:
    """Marks that are in content, and where."""
    length = marks.runs.shape[1]
    for shift in range(min(KEY, len(content) - KEY + 1) if len(marks.keys) else 0):
        words = np.frombuffer(content, "<u8", (len(content) - shift) // KEY, shift)
        near = np.searchsorted(marks.keys, words).clip(max=len(marks.keys) - 1)
        for place in np.flatnonzero(marks.keys[near] == words):
            first, at = near[place], int(shift + KEY * place)
            for mark in range(first, int(np.searchsorted(marks.keys, words[place], "right"))):
                start = at - int(marks.offsets[mark])
                if start >= 0 and content[start : start + length] == marks.runs[mark].tobytes():
                    yield mark, start
