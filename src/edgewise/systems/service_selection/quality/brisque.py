"""BRISQUE (Mittal, Moorthy and Bovik, 2012) from the package `brisque`, which brings its trained model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.common.extras import missing

CHANNELS = 3
"""The package takes colour pictures alone; a grey one is given three times."""


def make_brisque() -> Callable[[Float[np.ndarray, "h w *c"]], float]:
    """A function that gives BRISQUE of a picture: about 0 for a flawless one, about 100 for one without any quality.

    Raises:
        EdgewiseError: if the package is not installed.
    """
    try:
        from brisque import BRISQUE
    except ImportError as error:
        raise missing("brisque", "quality", error) from error

    class Brisque(BRISQUE):  # type: ignore[misc]
        """Its features are arrays of one number, which NumPy from 2.4 on does not take for numbers any more."""

        def scale_features(self, features: Any) -> Any:
            return super().scale_features([np.asarray(feature).item() for feature in features])

    model = Brisque()

    def measure(picture: Float[np.ndarray, "h w *c"]) -> float:
        colour = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], CHANNELS, axis=2)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # the fit of a distribution to a picture without contrast
            return float(model.score(colour))

    return measure
