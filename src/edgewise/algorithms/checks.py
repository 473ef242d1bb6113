"""Checks of what the configurations of most learners from replayed experience have in common."""

from __future__ import annotations

from typing import Protocol

from edgewise.algorithms.base import ReplayConfig
from edgewise.common.errors import check_integer, check_range


class LearningConfig(ReplayConfig, Protocol):
    """What the configuration of a learner with networks and slow copies of them holds, beside its learning rates."""

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""

    @property
    def final_rate(self) -> float:
        """Share of the learning rates that is left at the end of the run; they fall along a cosine. 1 keeps them."""

    @property
    def target_rate(self) -> float:
        """Share tau of their distance by which slow copies move towards their networks at a time."""


def check_learning(config: LearningConfig, *rates: str) -> None:
    """Require the common fields to be in their ranges.

    Args:
        config: whose fields are checked.
        rates: the names of its learning rates.

    Raises:
        ConfigurationError: naming the field.
    """
    check_range("hidden", config.hidden, 1)
    for rate in rates:
        check_range(rate, getattr(config, rate), 0, open_low=True)
    check_range("final_rate", config.final_rate, 0, 1, open_low=True)
    check_integer("batch_size", config.batch_size, 1)
    check_range("discount", config.discount, 0, 1, open_high=True)
    check_range("target_rate", config.target_rate, 0, 1, open_low=True)
