"""Text recognition: lines of text in a picture, by the models in the wheel of `rapidocr` (PP-OCR), without a network."""

from __future__ import annotations

import functools
import hashlib
import itertools
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8

from edgewise.common.errors import EdgewiseError

Line = UInt8[np.ndarray, "_ _"]
"""A line of text: how far each pixel is from the paper, of 255."""
HEIGHT = 48
"""Height of a line as the recogniser takes it, pixels."""
MARGIN = 0.18
"""Room around a line, in its heights: the recogniser was trained on boxes that are not tight."""
SPACE = 0.42
"""Width of a space at least, in heights of a line, which are from 0.55 to 0.95 of the typeface's size."""
WIDER = 1.7
"""The same, in usual gaps between the letters of the line."""
KEPT = 4096
"""Lines that are remembered, the latest."""
THREADS = 1
"""Of the recogniser: lines are short, and more threads mostly wait for each other."""
MODEL = Path("models") / "PP-OCRv6_rec_small.onnx"
"""In the package `rapidocr`."""


@dataclass(frozen=True)
class Read:
    """A line that was read.

    Attributes:
        text: of it.
        score: how sure the recogniser is, in [0, 1].
    """

    text: str
    score: float


@runtime_checkable
class Reads(Protocol):
    """Something that reads lines of text."""

    def __call__(self, lines: Sequence[Line], /) -> list[Read]:
        """What stands in each line: how far each pixel is from the paper, of 255."""
        ...


class TextReader:
    """Reads lines of text with the recogniser of `rapidocr`, which is loaded with the first line and once a process.

    Lines that were read before are remembered by their pixels: of two pages that follow one another, most are.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Read] = OrderedDict()

    def __call__(self, lines: Sequence[Line], /) -> list[Read]:
        """What stands in each line.

        Raises:
            EdgewiseError: if the recogniser is not installed.
        """
        keys = [_key(line) for line in lines]
        new = {key: line for key, line in zip(keys, lines, strict=True) if key not in self._kept}
        self._kept.update(zip(new, _spaced(list(new.values())), strict=True))
        for key in keys:
            self._kept.move_to_end(key)
        read = [self._kept[key] for key in keys]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return read


def _key(line: Line) -> bytes:
    return hashlib.blake2b(str(line.shape).encode() + line.tobytes(), digest_size=16).digest()


def _spaced(lines: list[Line]) -> list[Read]:
    """Lines read; those in which the recogniser has left out a space are read again word by word."""
    read = _recognised(lines)
    pieces = {place: words_of(line) for place, line in enumerate(lines)}
    short = {place: words for place, words in pieces.items() if len(words) > len(read[place].text.split()) > 0}
    again = iter(_recognised([word for words in short.values() for word in words]))
    for place, words in short.items():
        found = [next(again) for _ in words]
        text = tidy(" ".join(each.text for each in found))
        if text.replace(" ", "") == read[place].text.replace(" ", ""):
            read[place] = Read(text, min(each.score for each in (read[place], *found)))
    return read


def _recognised(lines: list[Line]) -> list[Read]:
    if not lines:
        return []
    found = _recogniser().recognize_txt([cv2.cvtColor(_crop(each), cv2.COLOR_GRAY2BGR) for each in lines])
    return [Read(tidy(text), float(score)) for text, score in zip(found.txts, found.scores, strict=True)]


def words_of(line: Line) -> list[Line]:
    """The words of a line: parts between gaps as wide as a space."""
    drawn = (line > line.max() // 4).any(axis=0)
    ends = np.flatnonzero(np.diff(np.r_[False, drawn, False].astype(np.int8)))
    starts, stops = ends[::2], ends[1::2]
    gaps = starts[1:] - stops[:-1]
    wide = np.flatnonzero(gaps >= max(SPACE * len(line), WIDER * float(np.median(gaps)) if len(gaps) else 0.0))
    edges = [0, *((stops[wide] + starts[wide + 1]) // 2), line.shape[1]]
    return [line[:, first:last] for first, last in itertools.pairwise(edges)]


def tidy(text: str) -> str:
    """A text with the usual form of every character and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _crop(line: Line) -> Line:
    """A line as black on white, as strong as can be, with room around it."""
    strongest = max(1, int(line.max()))
    shown = 255 - np.minimum(255, line.astype(np.uint16) * 255 // strongest).astype(np.uint8)
    room = max(2, round(MARGIN * len(line)))
    return np.pad(shown, room, constant_values=255)


@functools.cache
def _recogniser() -> Any:
    try:
        import rapidocr
    except ImportError as error:
        raise EdgewiseError(
            f"text recognition needs rapidocr and onnxruntime ({error}): pip install '.[agent]' in a checkout brings them"
        ) from None
    model = Path(rapidocr.__file__).parent / MODEL
    if not model.is_file():
        raise EdgewiseError(f"{model}: missing; this version of rapidocr ships other models, 3.10 has this one")
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Rec.model_path": str(model),
            "Rec.rec_img_shape": [3, HEIGHT, HEIGHT],
        }
    )
