"""Pictures that generators give, and those that they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.systems.service_selection.quality.functions import load_function, one_line

BRIGHTEST = 255
"""White of whole numbers of 8 bits."""
ROUNDING = 1e-5
"""By so much a pixel may leave [0, 1]: single precision."""
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in luminance (Rec. 709)."""


def to_picture(value: Any, source: str) -> Float[np.ndarray, "h w *c"]:
    """A picture as it is scored: pixels in [0, 1], H x W or H x W x 3.

    Args:
        value: an array of 8-bit whole numbers, or of floating-point numbers in [0, 1].
        source: what gave it, for the error.

    Raises:
        EdgewiseError: if it is no such picture.
    """
    try:
        array = np.asarray(value)
    except Exception as error:
        raise EdgewiseError(f"{source}: gave no array of pixels: {one_line(error)}") from error
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or 0 in array.shape:
        raise EdgewiseError(f"{source}: gave an array of shape {array.shape}: must be (H, W) or (H, W, 3)")
    if array.dtype == np.uint8:
        return array / float(BRIGHTEST)
    if not np.issubdtype(array.dtype, np.floating):
        raise EdgewiseError(f"{source}: gave pixels of type {array.dtype}: must be uint8, or floating in [0, 1]")
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise EdgewiseError(f"{source}: gave pixels that are not finite")
    low, high = float(array.min()), float(array.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise EdgewiseError(f"{source}: gave pixels in [{low:.4g}, {high:.4g}]: must be in [0, 1], or uint8")
    return np.clip(array, 0.0, 1.0)


def luminance(picture: Float[np.ndarray, "h w *c"]) -> Float[np.ndarray, "h w"]:
    """How bright each pixel is."""
    return picture if picture.ndim == 2 else picture @ np.asarray(LUMINANCE)


def find_references(text: str) -> Callable[[str], Float[np.ndarray, "h w *c"]]:
    """What gives the reference picture of a prompt.

    Args:
        text: a folder with a picture PROMPT.png (or another ending of pictures) for every prompt, or a function
            `reference(prompt) -> image` as MODULE:FUNCTION or FILE.py:FUNCTION.

    Raises:
        ConfigurationError: if it is neither.
    """
    if Path(text).is_dir():
        return lambda prompt: _read(text, prompt)
    function = load_function("reference", text)

    def given(prompt: str) -> Float[np.ndarray, "h w *c"]:
        source = f"reference {text}: reference({prompt!r})"
        try:
            value = function(prompt)
        except Exception as error:
            raise EdgewiseError(f"{source} failed: {one_line(error)}") from error
        return to_picture(value, source)

    return given


def _read(folder: str, prompt: str) -> Float[np.ndarray, "h w *c"]:
    from PIL import Image, UnidentifiedImageError

    paths = [path for ending in ENDINGS if (path := Path(folder) / f"{prompt}{ending}").is_file()]
    if not paths:
        raise ConfigurationError("reference", folder, f"a folder with a picture {prompt}.png for the prompt {prompt!r}")
    try:
        with Image.open(paths[0]) as image:
            pixels = np.asarray(image.convert("L" if image.mode in ("1", "L", "I;16", "I") else "RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise EdgewiseError(f"{paths[0]}: is no picture that can be read: {one_line(error)}") from None
    return to_picture(pixels, str(paths[0]))
