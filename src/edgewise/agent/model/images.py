"""Pictures of the display as they are sent to a model: smaller, with the size kept, with numbers on the items."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from edgewise.agent.device.coordinates import RELATIVE, Point
from edgewise.agent.device.errors import TruncatedImage
from edgewise.agent.model.chat import ModelSpace, Picture, Traits
from edgewise.agent.screen import Item
from edgewise.common.errors import ConfigurationError

QUALITIES = (85, 70, 50, 30)
"""Of JPEG, tried until the file is small enough."""
COLOURS = ((214, 39, 40), (31, 119, 180), (44, 120, 44), (140, 60, 160), (180, 90, 0))
"""Of frames and numbers, in turn, so that neighbours differ; all dark enough for white digits."""
DIGITS = 18
"""Height of the numbers, pixels of the picture that is sent."""


def sent_size(device: tuple[int, int], traits: Traits) -> tuple[int, int]:
    """Width and height of a picture as it is sent: within the model's limits, sides whole multiples, never enlarged much."""
    wide, high = device
    share = min(1.0, traits.longest / max(wide, high), math.sqrt(traits.most_pixels / (wide * high)))
    step = traits.multiple

    def side(length: float) -> int:
        return max(2 * step, min(round(length / step) * step, traits.longest // step * step))

    sizes = side(wide * share), side(high * share)
    while sizes[0] * sizes[1] > traits.most_pixels:
        sizes = (sizes[0] - step, sizes[1]) if sizes[0] > sizes[1] else (sizes[0], sizes[1] - step)
    return sizes


def prepared(png: bytes, traits: Traits, marked: Sequence[Item] = ()) -> Picture:
    """A picture of the display as it is sent.

    Args:
        png: the display as a PNG file.
        traits: of the model.
        marked: items that get a frame and their number.

    Raises:
        TruncatedImage: if it cannot be read.
        ConfigurationError: if its file cannot be made small enough.
    """
    try:
        whole = Image.open(io.BytesIO(png)).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise TruncatedImage(f"the picture cannot be read ({error})") from None
    device = whole.size
    image = whole.resize(sent_size(device, traits), Image.Resampling.LANCZOS)
    _mark(image, marked, device)
    return Picture(_file(image, traits), traits.media, image.size, device)


def point_in(x: float, y: float, space: ModelSpace, picture: Picture) -> tuple[int, int]:
    """The display's pixel at a point that a model names.

    Raises:
        ConfigurationError: if it is outside of the picture.
    """
    if space == "unit":
        return picture.frame.pixel(Point(x * RELATIVE, y * RELATIVE, "relative"))
    return picture.frame.pixel(Point(x, y, space))


def item_at(x: int, y: int, items: Sequence[Item]) -> Item | None:
    """The item under a pixel: the smallest that can be touched, else the smallest. If None, there is none."""
    under = [each for each in items if each.box[0] <= x < each.box[2] and each.box[1] <= y < each.box[3]]
    return min(under, key=lambda each: (not (each.touchable or each.holdable), _area(each)), default=None)


def _area(item: Item) -> int:
    left, top, right, bottom = item.box
    return (right - left) * (bottom - top)


def _mark(image: Image.Image, items: Sequence[Item], device: tuple[int, int]) -> None:
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(DIGITS)
    across, down = image.width / device[0], image.height / device[1]
    for item in items:
        left, top, right, bottom = item.box
        box = (left * across, top * down, max(left * across, right * across - 1), max(top * down, bottom * down - 1))
        colour = COLOURS[item.number % len(COLOURS)]
        draw.rectangle(box, outline=colour, width=2)
        place = min(box[0], image.width - 2 * DIGITS), min(box[1], image.height - DIGITS)
        label = draw.textbbox(place, str(item.number), font=font)
        draw.rectangle((label[0] - 2, label[1] - 2, label[2] + 2, label[3] + 2), fill=colour)
        draw.text(place, str(item.number), fill=(255, 255, 255), font=font)


def _file(image: Image.Image, traits: Traits) -> bytes:
    """The picture's file, of the model's type; of a worse quality where it must be small."""
    for quality in QUALITIES:
        file = io.BytesIO()
        if traits.media == "image/png":
            image.save(file, "PNG")
        else:
            image.save(file, "JPEG", quality=quality)
        if file.tell() <= traits.most_bytes:
            return file.getvalue()
    raise ConfigurationError("most_bytes", traits.most_bytes, f"at least {file.tell()}, or smaller pictures")
