"""Checks of user input. Every error names the field, its value and what is allowed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np


class EdgewiseError(Exception):
    """An error that the user can mend; its text is one line.

    Attributes:
        exit_code: the exit code of the command line.
    """

    exit_code = 1


class ConfigurationError(EdgewiseError, ValueError):
    """A configuration field has a value that is not allowed.

    Args:
        field: its name; or the whole text, when another process hands the error on.
        value: it has.
        allowed: what it must be; if None, `field` is the text.
        source: the file that it stands in, if it stands in one.
    """

    exit_code = 2

    def __init__(
        self,
        field: object,
        value: object = None,
        allowed: str | None = None,
        source: str | os.PathLike[str] | None = None,
    ) -> None:
        place = "" if source is None else f"{os.fspath(source)}: "
        super().__init__(str(field) if allowed is None else f"{place}{field} = {value!r}: must be {allowed}")
        self.field, self.value, self.allowed = str(field), value, str(allowed)


class NothingToShow(ConfigurationError, NotImplementedError):
    """Something was to be drawn that has no picture. Libraries that ask for frames expect a NotImplementedError."""


@contextmanager
def read_from(source: str | os.PathLike[str]) -> Iterator[None]:
    """Configuration errors raised inside name the file that the values come from."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(error.field, error.value, error.allowed, source) from None


def check_range(
    field: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Require every number in `value` to be finite and inside the interval.

    Args:
        field: name shown in the error.
        value: a number, or a (nested) sequence or array of numbers.
        low: lower bound of the interval.
        high: upper bound of the interval.
        open_low: whether the lower bound itself is excluded.
        open_high: whether the upper bound itself is excluded.

    Raises:
        ConfigurationError: naming the field, its value and the interval.
    """
    if type(value) is float and low < value < high:
        return
    left, right = "(" if open_low else "[", ")" if open_high else "]"
    allowed = f"finite and in {left}{low:g}, {high:g}{right}"
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(field, value, allowed) from None
    below = numbers <= low if open_low else numbers < low
    above = numbers >= high if open_high else numbers > high
    if not np.isfinite(numbers).all() or below.any() or above.any():
        raise ConfigurationError(field, value, allowed)


def check_integer(field: str, value: object, low: int, high: int | None = None) -> None:
    """Require an integer in [low, high].

    Raises:
        ConfigurationError: naming the field, its value and the interval.
    """
    allowed = f"an integer in [{low}, {'inf' if high is None else high}]"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ConfigurationError(field, value, allowed)
    if value < low or (high is not None and value > high):
        raise ConfigurationError(field, value, allowed)


def check_choice(field: str, value: object, choices: Sequence[object]) -> None:
    """Require one of `choices`.

    Raises:
        ConfigurationError: naming the field, its value and the choices.
    """
    if value not in choices:
        raise ConfigurationError(field, value, "one of " + ", ".join(map(str, choices)))


def check_all(checks: Iterable[Callable[[], None]]) -> None:
    """Make several checks and report everything that is wrong at once.

    Raises:
        ConfigurationError: for one or more of them.
    """
    errors = []
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ConfigurationError("; ".join(map(str, errors)))
