"""Times as recordings hold them: seconds or parts of them, or ISO dates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from edgewise.common.numerals import is_plain
from edgewise.common.tables import TraceError, finite_number, wrong_value

TimeUnit = Literal["s", "ms", "us", "ns"]
UNITS: dict[TimeUnit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds in a unit of time."""
LATEST_SECONDS = 1e11
"""Seconds since 1970 that end in the year 5138: larger times are milliseconds or less."""
DIGIT_DATES = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}
"""Dates written in digits alone, by their number: a count of seconds would have to jump after each minute."""
ISO_DATE = "an ISO date such as 2024-03-31 01:30:00"


class Clock:
    """Reads the times of one recording, which are either all numbers or all dates.

    Attributes:
        dated: whether they are dates, whose times are seconds since 1970 (UTC without a zone). None before the first one.
    """

    def __init__(self, path: Path) -> None:
        """Args: the file, for errors."""
        self.dated: bool | None = None
        self._path = path
        self._latest: tuple[str | None, float] = None, 0.0

    def read(self, row: int, field: str, text: str | None) -> float:
        """A time as it stands in the file.

        Args:
            row, field: where, for the error.
            text: a number, or an ISO date.

        Raises:
            TraceError: if it is neither, not finite, or of the other kind than those before.
        """
        if text is not None and text == self._latest[0]:  # many vehicles share a time
            return self._latest[1]
        dated = not (text is None or is_plain(text))
        time = self._date(row, field, str(text)) if dated else finite_number(self._path, row, field, text)
        if self.dated not in (None, dated):
            kind = "a date" if self.dated else "a number"
            raise wrong_value(self._path, row, field, text, f"{kind}, as in the rows before")
        self.dated, self._latest = dated, (text, time)
        return time

    def seconds(
        self, times: Float[np.ndarray, " n"], unit: TimeUnit, field: str, command: str
    ) -> Float[np.ndarray, " n"]:
        """Times that were read, in s.

        Args:
            times: one or more.
            unit: the unit of times that are numbers.
            field: title of their column, for the error.
            command: the one that has an option --time-unit.

        Raises:
            TraceError: if they are too large for their unit.
        """
        if self.dated:
            return times
        size = UNITS[unit]
        typical = float(np.median(np.abs(times)))
        if typical * size <= LATEST_SECONDS:
            return times * size
        start = f"{field} = {times[0]:.17g}"
        if _is_date_in_digits(times[0]):
            raise TraceError(self._path, f"{start}: a date in digits, must be a number of seconds or {ISO_DATE}")
        fits = next((name for name, part in UNITS.items() if typical * part <= LATEST_SECONDS), "ns")
        raise TraceError(
            self._path, f"{start}: too large for seconds; if these are {fits}: {command} FILE --time-unit {fits}"
        )

    def _date(self, row: int, field: str, text: str) -> float:
        try:
            instant = datetime.fromisoformat(text.strip())
        except ValueError:
            raise wrong_value(self._path, row, field, text, f"a number or {ISO_DATE}") from None
        return instant.replace(tzinfo=instant.tzinfo or UTC).timestamp()


def _is_date_in_digits(time: float) -> bool:
    digits = f"{time:.17g}"
    pattern = DIGIT_DATES.get(len(digits))
    if pattern is None or not digits.isdigit():
        return False
    try:
        return 1970 <= datetime.strptime(digits, pattern).year <= 2100
    except ValueError:
        return False
