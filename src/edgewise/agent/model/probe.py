"""In which space a model names points: a drawn picture with a mark, and the question where it is."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.device.coordinates import RELATIVE
from edgewise.agent.model.chat import MODEL_SPACES, ModelSpace, Picture, Traits
from edgewise.agent.model.images import prepared
from edgewise.agent.model.ladder import Asker, NotValid, Question

SIDES = (600, 1300)
"""Of the picture: far from 1000, so that pixels are not taken for thousandths."""
MARKS = ((0.75, 0.25), (0.3, 0.85), (0.85, 0.6))
"""Where the marks are, as shares of the sides."""
NEAR = 0.04
"""Share of the sides by which a model may miss the mark in the space that fits."""
SYSTEM = "You see a picture. Say where the middle of the red disc is, x from the left and y from the top."


class Place(BaseModel):
    """Where a model says that something is."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    x: float = Field(ge=0, le=100_000)
    y: float = Field(ge=0, le=100_000)


def marked_picture(mark: tuple[float, float], traits: Traits) -> Picture:
    """A grey picture with a red disc.

    Args:
        mark: the disc's middle, as shares of the sides.
        traits: of the model that it is for.
    """
    image = Image.new("RGB", SIDES, (230, 230, 230))
    x, y = mark[0] * SIDES[0], mark[1] * SIDES[1]
    ImageDraw.Draw(image).ellipse((x - 30, y - 30, x + 30, y + 30), fill=(220, 20, 20))
    file = io.BytesIO()
    image.save(file, "PNG")
    return prepared(file.getvalue(), traits)


def find_space(asker: Asker) -> ModelSpace | None:
    """The space of a model's points. If None, what it says fits none, and its points are of no use.

    Raises:
        ModelError: if the model cannot be asked.
    """
    said: list[tuple[tuple[float, float], Place, Picture]] = []
    for mark in MARKS:
        picture = marked_picture(mark, asker.model.traits)
        try:
            place = asker.ask(Question("locate", Place, ("x", "y"), SYSTEM, "Where is the disc?", (picture,)))
        except NotValid:
            return None
        said.append((mark, place, picture))
    return fitting(said)


def fitting(said: Sequence[tuple[tuple[float, float], Place, Picture]]) -> ModelSpace | None:
    """The space in which all that a model says is near the marks. If None, there is none."""
    misses = {space: max(_miss(*each, space) for each in said) for space in MODEL_SPACES}
    best = min(misses, key=lambda space: misses[space])
    return best if misses[best] <= NEAR else None


def _miss(mark: tuple[float, float], place: Place, picture: Picture, space: ModelSpace) -> float:
    wide, high = {"image": picture.size, "relative": (RELATIVE, RELATIVE), "unit": (1, 1)}[space]
    return math.hypot(place.x / wide - mark[0], place.y / high - mark[1])
