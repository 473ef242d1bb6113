"""Synthetic signs: the icons of the simulated phone and of Material Icons in the look of an app, and what is no sign.

Material Icons (Apache-2.0) are drawn from the typefaces that the wheel of NiceGUI ships, where it is installed.
"""

from __future__ import annotations

import functools
import importlib.util
import string
import zlib
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont, features

from edgewise.agent.perception.signs import NOTHING, SIGNS, cut_out
from edgewise.agent.phone.glyphs import LINES, glyph

MATERIAL = {
    "back": "arrow_back",
    "plus": "add",
    "minus": "remove",
    "check": "check",
    "search": "search",
    "bin": "delete",
    "pencil": "edit",
    "send": "send",
    "person": "person",
    "star": "star_border",
    "phone": "smartphone",
    "pin": "place",
    "bubble": "chat",
    "note": "description",
    "gear": "settings",
    "wifi": "wifi",
    "sun": "light_mode",
    "bell": "notifications",
    "info": "info",
    "clock": "schedule",
    "timer": "timer",
    "basket": "shopping_cart",
    "bag": "shopping_bag",
    "map": "map",
    "route": "route",
    "calendar": "calendar_today",
    "home": "home",
    "delete": "backspace",
    "enter": "keyboard_return",
    "digits": "tag",
}
"""Names that Material Icons have for signs."""
UNNAMED = (
    "favorite",
    "share",
    "menu",
    "more_vert",
    "close",
    "lock",
    "camera_alt",
    "mic",
    "volume_up",
    "play_arrow",
    "pause",
    "refresh",
    "download",
    "cloud",
    "flight",
    "attach_file",
    "work",
    "book",
    "restaurant",
    "hotel",
    "directions_car",
    "thumb_up",
    "flag",
    "key",
    "print",
    "translate",
    "visibility",
    "battery_full",
)
"""Material Icons that stand for no sign of ours."""
LETTERS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-Bold", "STIXGeneral", "cmss10")
"""Typefaces of letters that are no signs; matplotlib ships them."""
WHOLE = tuple(name for name in LINES if name not in ("back", "minus", "plus"))
"""Signs of which a piece is no sign: a piece of the others looks like the whole, or like another sign."""
NOTHINGS = 0.2
"""Share of examples that are no sign."""
FAVOURED = 0.5
"""Share of examples among the signs that an app shows most."""
SIDES = (30, 36, 42, 48, 56, 64, 76, 96, 128)
"""Sides of drawn icons, pixels."""
STROKES = (1.3, 1.6, 1.9, 2.2, 2.5, 2.9)
"""Widths of their lines, in 24ths of the side."""
FAINTEST = 0.11
"""Ink from which a pixel belongs to a mark, of the strongest possible."""


@dataclass(frozen=True)
class Look:
    """How an app draws its signs.

    Attributes:
        contrast: of ink and paper, in [0, 1].
        stroke: place among `STROKES`.
        side: place among `SIDES`.
        material: which typeface of Material Icons it takes; -1 for drawn lines.
        noise: deviation of a pixel.
        favoured: places among `SIGNS` of what it shows most.
    """

    contrast: float
    stroke: int
    side: int
    material: int
    noise: float
    favoured: tuple[int, ...]


def look_of(app: str) -> Look:
    """The look of an app: the same for the same name."""
    rng = np.random.default_rng(zlib.crc32(f"signs {app}".encode()))
    favoured = tuple(int(each) for each in rng.choice(np.arange(1, len(SIGNS)), len(SIGNS) // 3, replace=False))
    return Look(
        contrast=float(rng.uniform(0.35, 1.0)),
        stroke=int(rng.integers(len(STROKES))),
        side=int(rng.integers(len(SIDES))),
        material=int(rng.integers(4)) if rng.random() < 0.35 else -1,
        noise=float(rng.uniform(0, 0.04)),
        favoured=favoured,
    )


def draw_signs(apps: list[str], rng: np.random.Generator) -> tuple[Float[np.ndarray, "n 24 24"], np.ndarray]:
    """Small pictures in the looks of apps, and the places [n] of what they show among `SIGNS`.

    Args:
        apps: of each.
        rng: of what is shown, its size, its place and its noise.
    """
    looks = {app: look_of(app) for app in set(apps)}
    places = np.array([_place(looks[app], rng) for app in apps])
    pictures = [_example(looks[app], SIGNS[place], rng) for app, place in zip(apps, places, strict=True)]
    return np.stack(pictures), places


def _place(look: Look, rng: np.random.Generator) -> int:
    if rng.random() < NOTHINGS:
        return 0
    return int(rng.choice(look.favoured)) if rng.random() < FAVOURED else int(rng.integers(1, len(SIGNS)))


def _example(look: Look, name: str, rng: np.random.Generator) -> Float[np.ndarray, "24 24"]:
    mask = _nothing(look, rng) if name == NOTHING else _sign(look, name, rng)
    ink = mask / 255.0 * look.contrast * rng.uniform(0.8, 1.0)
    ink = np.clip(np.abs(ink + look.noise * rng.standard_normal(ink.shape)), 0, 1)
    rows, columns = (np.flatnonzero((mask > 255 * FAINTEST).any(axis=axis)) for axis in (1, 0))
    low, high = (int(rng.integers(0, 3)) for _ in range(2))  # a mark's box is found to a pixel or two
    box = (
        max(0, int(columns[0]) - low),
        max(0, int(rows[0]) - high),
        min(mask.shape[1], int(columns[-1]) + 1 + high),
        min(mask.shape[0], int(rows[-1]) + 1 + low),
    )
    return cut_out((255 * ink).astype(np.uint8), box)


def _sign(look: Look, name: str, rng: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    side = SIDES[int(np.clip(look.side + rng.integers(-2, 3), 0, len(SIDES) - 1))]
    typefaces = _material()
    if look.material >= 0 and typefaces and name in MATERIAL:
        return _written(MATERIAL[name], typefaces[look.material % len(typefaces)], side)
    stroke = STROKES[int(np.clip(look.stroke + rng.integers(-1, 2), 0, len(STROKES) - 1))]
    return np.pad(np.asarray(glyph(name, side, stroke)), 4)


def _nothing(look: Look, rng: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    """A few letters, an icon without a name, a piece of a sign, or a plain shape."""
    kind, typefaces = rng.random(), _material()
    size = int(rng.integers(30, 70))
    if kind < 0.55:
        letters = string.ascii_letters + string.digits
        text = "".join(rng.choice(list(letters)) for _ in range(int(rng.integers(1, 4))))
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        return _written(text, str(folder / f"{rng.choice(LETTERS)}.ttf"), size)
    if kind < 0.75 and typefaces:
        return _written(str(rng.choice(UNNAMED)), typefaces[int(rng.integers(len(typefaces)))], size)
    if kind < 0.9:
        whole = np.asarray(glyph(str(rng.choice(WHOLE)), size, STROKES[look.stroke]))
        cut = int(rng.integers(size // 4, size // 2))
        part = whole[:cut] if rng.random() < 0.5 else whole[:, :cut]
        if part.max() > 0:
            return np.pad(part, 4)
    shape = Image.new("L", (2 * size, 2 * size))
    across = int(rng.integers(size // 4, size))
    down = int(rng.integers(max(size // 4, across // 3), size))
    radius = int(rng.integers(0, min(across, down) // 2 + 1))
    ImageDraw.Draw(shape).rounded_rectangle((4, 4, 4 + across, 4 + down), radius, fill=255)
    return np.asarray(shape)


def _written(text: str, typeface: str, size: int) -> UInt8[np.ndarray, "h w"]:
    drawn = Image.new("L", (3 * size, 2 * size))
    ImageDraw.Draw(drawn).text((size // 4, size // 4), text, 255, _typeface(typeface, size))
    return np.asarray(drawn)


@functools.lru_cache(maxsize=1024)
def _typeface(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.cache
def _material() -> tuple[str, ...]:
    """Files of the typefaces of Material Icons; none where they are not installed or cannot be set by name."""
    spec = importlib.util.find_spec("nicegui")
    if spec is None or spec.origin is None or not features.check("raqm"):
        return ()
    files = sorted((Path(spec.origin).parent / "static" / "fonts").glob("*.woff2"))
    return tuple(str(each) for each in files if _family(each).startswith("Material Icons"))


def _family(path: Path) -> str:
    try:
        return str(ImageFont.truetype(str(path), 24).getname()[0])
    except OSError:
        return ""
