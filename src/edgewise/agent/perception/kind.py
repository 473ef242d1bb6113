"""The kind of module that tells the signs of a phone's user interface from small pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.perception.drawn_signs import draw_signs
from edgewise.agent.perception.signs import SIDE, SIGNS
from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER, LearnedKind

Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=SIDE, max_length=SIDE)]
Pixels = Annotated[list[Row], Field(min_length=SIDE, max_length=SIDE)]
CHANNELS = (16, 32)
"""Of the two convolutions."""
POOLED = SIDE // 4
"""Side of what the convolutions leave: each halves the picture."""


class SmallPicture(BaseModel):
    """The picture of a mark, cut out and made small."""

    model_config = ConfigDict(extra="forbid")
    picture: Pixels = Field(description="rows of ink: 0 is paper, 1 the strongest")


class Named(BaseModel):
    """What it stands for."""

    model_config = ConfigDict(extra="forbid")
    sign: str = Field(description=", ".join(SIGNS))
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class PhonePerception(LearnedKind):
    """A small convolutional network. Its quality is the accuracy on pictures."""

    width: int = 48
    request: type[BaseModel] = SmallPicture
    answering: type[BaseModel] = Named

    @property
    def name(self) -> Name:
        return "perception"

    @property
    def ground(self) -> str:
        return "phone"

    @property
    def usual(self) -> bool:
        return False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        first, second = CHANNELS
        return {
            "first": (9, first),
            "first_bias": (first,),
            "second": (9 * first, second),
            "second_bias": (second,),
            "third": (POOLED * POOLED * second, self.width),
            "third_bias": (self.width,),
            "choice": (self.width, len(SIGNS)),
            "choice_bias": (len(SIGNS),),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 s"]:
        seen = inputs["picture"][..., None]
        for name in ("first", "second"):
            seen = _halved(jax.nn.relu(_around(seen) @ weights[name] + weights[f"{name}_bias"]))
        flat = seen.reshape(len(seen), POOLED * POOLED * CHANNELS[1])
        hidden = jax.nn.relu(flat @ weights["third"] + weights["third_bias"])
        return (hidden @ weights["choice"] + weights["choice_bias"])[:, None, :]

    def encode(self, request: SmallPicture) -> Data:
        return {"picture": np.array(request.picture, np.float32)}

    def encode_answer(self, request: SmallPicture, answer: Named) -> np.ndarray:
        if answer.sign not in SIGNS:
            raise ConfigurationError("sign", answer.sign, f"one of {', '.join(SIGNS)}")
        return np.array([SIGNS.index(answer.sign)])

    def decode(self, request: SmallPicture, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"sign": SIGNS[int(choices[0])], "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        shown = [apps[place] for place in rng.integers(len(apps), size=examples)]
        pictures, places = draw_signs(shown, rng)
        return {"picture": pictures, ANSWER: places[:, None].astype(np.int32)}


def _around(seen: Float[Array, "n h w c"]) -> Float[Array, "n h w 9*c"]:
    """Each pixel with the eight around it; beyond the edge is paper."""
    high, wide = seen.shape[1:3]
    wider = jnp.pad(seen, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([wider[:, y : y + high, x : x + wide] for y in range(3) for x in range(3)], axis=-1)


def _halved(seen: Float[Array, "n h w c"]) -> Float[Array, "n h/2 w/2 c"]:
    """The largest of each four pixels."""
    count, high, wide, channels = seen.shape
    return seen.reshape(count, high // 2, 2, wide // 2, 2, channels).max(axis=(2, 4))


PHONE_PERCEPTION = PhonePerception()
