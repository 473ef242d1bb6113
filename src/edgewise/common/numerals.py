"""Numbers as people and spreadsheets write them: with a decimal point or comma, with or without marks between thousands.

`2.048` is two and a bit in one country and two thousand in another. A numeral that can be read in two ways is read as the
other numerals of its column are written; if they do not decide, it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMERAL = re.compile(r"([-+\u2212]?)([0-9][0-9.,_' \u00a0\u2009\u202f\u2019]*|[.,][0-9]+)([eE][-+]?[0-9]+)?$")
GROUPED = {
    mark: re.compile(rf"[0-9]{{1,3}}({re.escape(mark)}[0-9]{{3}})+$") for mark in "._,' \u00a0\u2009\u202f\u2019"
}
PLAIN = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$|[-+]?(inf|infinity|nan)$", re.IGNORECASE)
DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+$")
MANY = 20
"""So many numbers of one column, all with three decimals and none whole, are no thousands."""


ADVICE = "thousands, or decimals? write thousands without a mark, or another number of decimals than three"


class DoubtfulNumeral(ValueError):
    """A numeral that can be read in two ways.

    Attributes:
        row: where it stands, from 1.
        place: its column, from 0.
        text: as it stands there.
        advice: what to do.
    """

    def __init__(self, row: int, place: int, text: str, advice: str) -> None:
        super().__init__(advice)
        self.row, self.place, self.text, self.advice = row, place, text, advice


@dataclass
class _Column:
    """What the numerals of a column have shown so far.

    Attributes:
        decimal: mark before decimals; None until a numeral has shown it.
        whole: whether some numeral is digits alone.
        doubtful: row and text of the first numeral that had to be guessed.
        guessed: how many had to be.
    """

    decimal: str | None = None
    whole: bool = False
    doubtful: tuple[int, str] | None = None
    guessed: int = 0


class Notation:
    """How the numerals of a file are written, learned as they go by."""

    def __init__(self, delimiter: str = ",") -> None:
        """Start with no numeral seen; where a comma parts the columns, a decimal point is likely."""
        self._delimiter = delimiter
        self._columns: dict[int, _Column] = {}

    def plain(self, row: int, place: int, text: str) -> str:
        """A numeral as Python reads it; text that is no numeral stays as it is.

        Args:
            row: line of the file, from 1.
            place: column, from 0.
            text: as it stands there.

        Raises:
            DoubtfulNumeral: if it contradicts those before.
        """
        column = self._columns.setdefault(place, _Column())
        if column.decimal == "." and DECIMAL.match(text):  # nearly every number of a trace
            return text
        if text.isdigit():
            column.whole = True
            return text
        found = NUMERAL.match(text.strip())
        if found is None:
            return text
        sign, digits, power = found[1], found[2], found[3] or ""
        decimal, value = self._split(column, row, place, digits, bool(power))
        if decimal is not None:
            if column.decimal not in (None, decimal):
                raise DoubtfulNumeral(
                    row, place, text, f"decimals come after '{column.decimal}' above, here after '{decimal}'"
                )
            if column.doubtful is not None and decimal not in column.doubtful[1]:
                raise DoubtfulNumeral(*_place(column, place), f"decimals come after '{decimal}' in row {row}; {ADVICE}")
            column.decimal, column.doubtful = decimal, None
        return sign.replace("\u2212", "-") + value + power

    def check(self) -> None:
        """Require that nothing had to be guessed; call it at the end of the file.

        Raises:
            DoubtfulNumeral: for the first numeral whose reading no other numeral decides.
        """
        decimals = {column.decimal for column in self._columns.values()}
        for place, column in self._columns.items():
            if column.doubtful is None:
                continue
            mark = "." if "." in column.doubtful[1] else ","
            many = self._delimiter == "," and mark == "." and column.guessed >= MANY
            if column.whole or not (decimals == {None, mark} or many):
                raise DoubtfulNumeral(*_place(column, place), ADVICE)

    def _split(self, column: _Column, row: int, place: int, digits: str, power: bool) -> tuple[str | None, str]:
        """The decimal mark that a numeral shows, None if it shows none, and the number with a decimal point."""
        marks = [mark for mark in ".," if mark in digits]
        digits = _joined(digits)
        if not marks:
            return None, digits
        if len(marks) == 2:
            decimal = max(marks, key=digits.rfind)
            other = marks[0] if decimal == marks[1] else marks[1]
            whole, _, rest = digits.partition(decimal)
            return decimal, f"{_ungrouped(whole, other)}.{rest}"
        [mark] = marks
        other = "," if mark == "." else "."
        if digits.count(mark) > 1:
            return other, _ungrouped(digits, mark)
        if power or digits.startswith(("0", mark)) or not GROUPED[mark].match(digits):
            return mark, digits.replace(mark, ".")
        if column.decimal is not None:
            return None, digits.replace(mark, "." if mark == column.decimal else "")
        if other in {known.decimal for known in self._columns.values()}:
            return other, digits.replace(mark, "")
        if column.doubtful is None:
            column.doubtful = row, digits
        column.guessed += 1
        return None, digits.replace(mark, ".")


def is_plain(text: str) -> bool:
    """Whether text is a number as programs write it: digits, one decimal point, an exponent; or inf or nan."""
    return PLAIN.match(text.strip()) is not None


def _place(column: _Column, place: int) -> tuple[int, int, str]:
    assert column.doubtful is not None
    return column.doubtful[0], place, column.doubtful[1]


def _joined(digits: str) -> str:
    """Digits without the marks between thousands that are never decimal marks: `1_000`, `1 000`, `1'000`."""
    marks = {mark for mark in digits if mark not in ".," and not mark.isdigit()}
    if len(marks) != 1:
        return digits
    [mark] = marks
    whole, rest = re.match(r"([^.,]*)(.*)$", digits).groups()  # type: ignore[union-attr]
    return whole.replace(mark, "") + rest if GROUPED[mark].match(whole) else digits


def _ungrouped(digits: str, mark: str) -> str:
    """Digits without marks between thousands; as they are, and so no number, if the marks stand elsewhere."""
    return digits.replace(mark, "") if GROUPED[mark].match(digits) or mark not in digits else digits
