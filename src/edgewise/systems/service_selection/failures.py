"""Which recorded requests failed, as far as their status tells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgewise.common.tables import Row

STATUS_TITLES = frozenset(
    (
        *("status", "status_code", "statuscode", "http_status", "http_status_code", "http_code"),
        *("response_status", "response_code", "request_status", "state", "outcome", "finish_reason"),
    )
)
ERROR_TITLES = frozenset(
    ("failed", "failure", "is_failed", "timeout", "timed_out", "exit_code", "exit_status", "return_code")
)
"""Columns of which anything but a no tells a failure; beside these, all titles with the word error."""
SUCCESS_TITLES = frozenset(("success", "succeeded", "successful", "is_success", "ok", "is_ok"))
FAILED_WORDS = re.compile(
    r"error|(?<![a-z])err(?![a-z])|fail|time[ _-]?(d[ _-]?)?out|deadline|cancel|abort|reject|refuse|disconnect|denied|drop|"
    r"exhaust|unavailable|overload|throttl|rate[ _-]?limit|invalid|exception|crash|(?<![a-z])kill|unsuccess"
)
GOOD_WORDS = re.compile(
    r"(ok|okay|success(ful|fully)?|succeeded|complete|completed|done|finish|finished|served|passed?|yes|y|true|t|none|null|"
    r"stop|length|end_turn|max_tokens|stop_sequence|tool_use|tool_calls|function_call|content_filter|eos|-)?$"
)
NO_WORDS = frozenset(
    (
        "",
        "0",
        "0.0",
        "false",
        "f",
        "no",
        "n",
        "none",
        "null",
        "nan",
        "-",
        "n/a",
        "na",
        "{}",
        "[]",
        "ok",
        "success",
        "successful",
    )
)
CODE = re.compile(r"(?:http(?:/[0-9.]+)?[ _]*)?([1-5][0-9][0-9])(?:\.0)?(?![0-9.])")
"""Of HTTP, alone or before words: 503, 503.0, HTTP/1.1 503, 503 Service Unavailable."""
FIRST_FAILED_CODE = 400
LONGEST_STATUS = 60
"""Characters; what is longer is no status but some text, in which words tell nothing."""
MOST_UNSURE = 20
"""Different values that are remembered."""


class Failures:
    """Tells failed requests from others, row by row.

    Attributes:
        unsure: a status that is known neither as a failure nor as a success, to the number of rows with it, which are taken
            for no failures.
    """

    def __init__(self, header: Row, places: Sequence[int] | None) -> None:
        """Tell by columns of the given places; if None, by all that have a usual title."""
        self.unsure: dict[str, int] = {}
        self._titles = [re.sub(r"[ -]+", "_", title.strip().lower()) for title in header.fields]
        self._places = [at for at, title in enumerate(self._titles) if _is_status(title)] if places is None else places

    def tells(self, row: Row) -> bool:
        """Whether a request failed."""
        return any(self._tells(self._titles[place], row.fields[place].strip().lower()) for place in self._places)

    def _tells(self, title: str, text: str) -> bool:
        if title in SUCCESS_TITLES:
            return text in ("0", "0.0", "false", "f", "no", "n")
        code = CODE.match(text)
        if title in ERROR_TITLES:
            return text not in NO_WORDS
        if _of_errors(title):
            return text not in NO_WORDS and not (code and int(code[1]) < FIRST_FAILED_CODE)
        if code:
            return int(code[1]) >= FIRST_FAILED_CODE
        if len(text) <= LONGEST_STATUS and FAILED_WORDS.search(text):
            return True
        if not GOOD_WORDS.match(text):
            known = text if text in self.unsure or len(self.unsure) < MOST_UNSURE else "..."
            self.unsure[known] = self.unsure.get(known, 0) + 1
        return False


def _is_status(title: str) -> bool:
    return title in STATUS_TITLES | ERROR_TITLES | SUCCESS_TITLES or _of_errors(title)


def _of_errors(title: str) -> bool:
    """Whether a column is about errors: `error`, `is_error`, `error_code`, `error.message`; not `error_bound_m`."""
    return (
        re.match(r"((is|has|had|any|last)_)?errors?([._](code|type|message|msg|text|kind|name|reason))?$", title)
        is not None
    )
