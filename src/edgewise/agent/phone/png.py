"""PNG files of displays, written fast: most rows of a page are as the row above, and those are compressed once for all.

The format is that of the PNG specification (W3C, third edition): filter "up" for every row, one zlib stream (RFC 1950),
whose compressed parts end on whole bytes and so can be put after one another.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_ROWS = 100
"""Rows that are compressed together, so that few blank runs have to be kept."""
UP = 2
"""The filter that writes a row as the difference from the row above."""
STORED_HEADER, LAST_BLOCK = b"\x78\x01", b"\x03\x00"


def png(image: Image.Image) -> bytes:
    """An RGB picture as a PNG file; the picture comes back bit for bit."""
    wide, high = image.size
    pixels = np.frombuffer(image.convert("RGB").tobytes(), np.uint8).reshape(high, 3 * wide)
    same = np.zeros(high, bool)
    same[1:] = (pixels[1:] == pixels[:-1]).all(axis=1) if high > 1 else False
    ends = np.flatnonzero(np.diff(same)) + 1
    check, parts = 1, [STORED_HEADER]
    cuts = sorted({0, *ends.tolist(), *range(MOST_ROWS, high, MOST_ROWS), high})
    for start, end in pairwise(cuts):
        if same[start]:
            raw, packed = _blank(wide, end - start)
        else:
            above = pixels[start - 1 : end - 1] if start else np.vstack([np.zeros_like(pixels[:1]), pixels[: end - 1]])
            rows = np.full((end - start, 1 + 3 * wide), UP, np.uint8)
            np.subtract(pixels[start:end], above, out=rows[:, 1:])
            raw = rows.tobytes()
            packed = _deflated(raw)
        check = zlib.adler32(raw, check)
        parts.append(packed)
    data = b"".join((*parts, LAST_BLOCK, struct.pack(">I", check)))
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)  # 8 bits, RGB, the usual compression, not interlaced
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _deflated(raw: bytes) -> bytes:
    """Compressed bytes that end on a whole byte and refer to nothing before them."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(raw) + packer.flush(zlib.Z_FULL_FLUSH)


@lru_cache(maxsize=128)
def _blank(wide: int, rows: int) -> tuple[bytes, bytes]:
    raw = (bytes([UP]) + bytes(3 * wide)) * rows
    return raw, _deflated(raw)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
