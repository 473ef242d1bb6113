"""Measures of a picture's quality, each made a score in [0, 1] of which more is better."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_range
from edgewise.common.extras import missing
from edgewise.systems.service_selection.quality.functions import FORM, load_function, one_line
from edgewise.systems.service_selection.quality.pictures import luminance

EXTRA = "quality"
WINDOW = 7
"""Pixels along an edge of the windows of SSIM and BRISQUE; a picture must hold one at half size."""
LEAST_SIDE = 2 * WINDOW
LEVEL_DB = 20 * np.log10(255)
"""PSNR of a picture that is off by one grey level of 8 bits everywhere, 48.1 dB: nobody sees less."""
Picture = Float[np.ndarray, "h w *c"]


@dataclass(frozen=True)
class Metric:
    """A measure of quality.

    Attributes:
        name: as the user gives it.
        measure: of a picture, or of a picture and its reference; the raw figure.
        worst, best: raw figures that become the scores 0 and 1; between them the score is linear, beyond them it stays.
        needs_reference: whether it is given the reference too.
        beyond: whether raw figures beyond the two are allowed.
    """

    name: str
    measure: Callable[..., float]
    worst: float = 0.0
    best: float = 1.0
    needs_reference: bool = False
    beyond: bool = True

    def score(self, picture: Picture, reference: Float[np.ndarray, "*any"] | None, source: str) -> float:
        """The score of a picture.

        Args:
            picture: pixels in [0, 1].
            reference: a picture to compare with, for metrics that need one.
            source: what gave the picture, for the error.

        Raises:
            EdgewiseError: if the metric fails, or its figure is not finite or not allowed.
        """
        pictures = [picture]
        if self.needs_reference:
            assert reference is not None
            if reference.shape != picture.shape:
                raise EdgewiseError(
                    f"{source}: its shape {picture.shape} is not that of its reference, {reference.shape}"
                )
            pictures.append(reference)
        try:
            raw = self.measure(*pictures)
            value = float(np.asarray(raw, dtype=float).reshape(()))
        except EdgewiseError as error:
            raise EdgewiseError(f"{source}: {error}") from None
        except Exception as error:
            raise EdgewiseError(f"{source}: metric {self.name} failed: {one_line(error)}") from error
        if np.isnan(value):
            raise EdgewiseError(f"{source}: metric {self.name} has no value for it")
        score = (value - self.worst) / (self.best - self.worst)
        if not self.beyond and not 0 <= score <= 1:
            raise EdgewiseError(
                f"{source}: metric {self.name} gave {value:.6g}: must be in [0, 1], 1 the best; "
                "for other figures give --metric-range WORST BEST"
            )
        return float(np.clip(score, 0.0, 1.0))

    @property
    def words(self) -> str:
        """How a raw figure becomes a score."""
        return f"{self.name}: {self.worst:g} becomes 0, {self.best:.4g} becomes 1, more is better"


def find_metric(text: str, limits: tuple[float, float] | None = None) -> Metric:
    """A metric by its name, or one of the user.

    Args:
        text: "brisque", "sharpness", "psnr", "ssim", or a function of a picture, or of a picture and its reference, as
            MODULE:FUNCTION or FILE.py:FUNCTION.
        limits: raw figures that become 0 and 1. If None, the metric's own.

    Raises:
        ConfigurationError: for an unknown name, or limits that are the same.
        EdgewiseError: if what the metric needs is not installed.
    """
    if text in BUILT_IN:
        metric = BUILT_IN[text]()
    elif ":" in text:
        function = load_function("metric", text)
        metric = Metric(text, function, needs_reference=_parameters(function) == 2, beyond=limits is not None)
    else:
        raise ConfigurationError("metric", text, f"one of {', '.join(BUILT_IN)}, or {FORM}")
    if limits is None:
        return metric
    check_range("metric_range", limits)
    worst, best = limits
    if worst == best:
        raise ConfigurationError("metric_range", limits, "two different numbers, the worst first")
    return Metric(metric.name, metric.measure, worst, best, metric.needs_reference)


def _parameters(function: Callable[..., Any]) -> int:
    """How many arguments a function must be given; 1 if it does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    return sum(
        each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        for each in parameters
    )


def _check_size(picture: Picture, name: str) -> None:
    if min(picture.shape[:2]) < LEAST_SIDE:
        raise EdgewiseError(
            f"has {picture.shape[0]} x {picture.shape[1]} pixels: {name} needs {LEAST_SIDE} x {LEAST_SIDE}"
        )


def _skimage_metrics() -> Any:
    try:
        from skimage import metrics
    except ImportError as error:
        raise missing("scikit-image", EXTRA, error) from error
    return metrics


def _brisque() -> Metric:
    from edgewise.systems.service_selection.quality.brisque import make_brisque

    measure = make_brisque()

    def brisque(picture: Picture) -> float:
        _check_size(picture, "brisque")
        return measure(picture)

    return Metric("brisque", brisque, worst=100.0, best=0.0)


def _sharpness() -> Metric:
    try:
        from skimage.measure import blur_effect
    except ImportError as error:
        raise missing("scikit-image", EXTRA, error) from error

    def blur(picture: Picture) -> float:
        _check_size(picture, "sharpness")
        return float(blur_effect(luminance(picture)))

    return Metric("sharpness", blur, worst=1.0, best=0.0)


def _psnr() -> Metric:
    metrics = _skimage_metrics()

    def psnr(picture: Picture, reference: Picture) -> float:
        with np.errstate(divide="ignore"):  # the same picture: infinite, score 1
            return float(metrics.peak_signal_noise_ratio(reference, picture, data_range=1.0))

    return Metric("psnr", psnr, worst=0.0, best=LEVEL_DB, needs_reference=True)


def _ssim() -> Metric:
    metrics = _skimage_metrics()

    def ssim(picture: Picture, reference: Picture) -> float:
        _check_size(picture, "ssim")
        axis = 2 if picture.ndim == 3 else None
        return float(
            metrics.structural_similarity(reference, picture, win_size=WINDOW, data_range=1.0, channel_axis=axis)
        )

    return Metric("ssim", ssim, needs_reference=True)


BUILT_IN: dict[str, Callable[[], Metric]] = {
    "brisque": _brisque, "sharpness": _sharpness, "psnr": _psnr, "ssim": _ssim,
}  # fmt: skip
"""By name. "brisque": natural-scene statistics and a support vector machine (Mittal, Moorthy and Bovik, 2012), 100 the worst.
"sharpness": one minus the perceptual blur of Crete et al. (2007), which nothing was learned for. "psnr" and "ssim" (Wang et
al., 2004) compare with a reference."""
REFERENCE_METRICS = ("psnr", "ssim")
