"""The sign classifier that the package ships, and classifiers of weights from elsewhere."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from importlib import resources

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load

from edgewise.agent.perception.kind import PHONE_PERCEPTION, PhonePerception
from edgewise.agent.perception.signs import SIGNS, NamesSigns, Sign
from edgewise.common.errors import EdgewiseError
from edgewise.construction.kind import Weights
from edgewise.construction.modules.learned import ANSWER

FOLDER = "data"
"""Beside this file: `signs.safetensors`, and `signs.json` with its digest and how it was trained."""


def classifier(weights: Weights, kind: PhonePerception = PHONE_PERCEPTION) -> NamesSigns:
    """A sign classifier of a module's weights.

    Raises:
        ConfigurationError: if they do not fit.
    """
    kind.check_weights(weights)

    def name(pictures: Sequence[Float[np.ndarray, "24 24"]], /) -> list[Sign]:
        if not pictures:
            return []
        data = {"picture": np.stack(pictures), ANSWER: np.zeros((len(pictures), 1), np.int32)}
        chances = kind.respond(weights, data)[:, 0]
        return [Sign(SIGNS[int(each.argmax())], float(each.max())) for each in chances]

    return name


@functools.cache
def shipped_signs() -> NamesSigns:
    """The sign classifier of the package.

    Raises:
        EdgewiseError: if its file is damaged.
    """
    return classifier(shipped_weights())


def shipped_weights() -> Weights:
    """The weights of the package's sign classifier.

    Raises:
        EdgewiseError: if their file is damaged.
    """
    folder = resources.files("edgewise.agent.perception") / FOLDER
    content = (folder / "signs.safetensors").read_bytes()
    told = json.loads((folder / "signs.json").read_text())
    if hashlib.sha256(content).hexdigest() != told["sha256"]:
        raise EdgewiseError("signs.safetensors: is not the file that the package was made with; install it again")
    weights: Weights = load(content)
    return weights
