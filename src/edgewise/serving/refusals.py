"""What a request is told that cannot be carried out: one line, and each field with its value and what is allowed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from edgewise.common.errors import ConfigurationError, EdgewiseError

SHOWN = 200
"""Characters of a value that are repeated."""


class Fault(BaseModel):
    """What is wrong with a field."""

    field: str
    value: str = Field(description="as it was given, shortened")
    allowed: str


class Refusal(BaseModel):
    """Why a request was not carried out. Nothing has changed then."""

    error: str
    faults: list[Fault] = []


class RefusedError(Exception):
    """A request that cannot be carried out.

    Args:
        status: of HTTP.
        refusal: what is told.
    """

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.status, self.refusal = status, refusal


def refused(status: int, text: str) -> RefusedError:
    """The error of a status with a line of text."""
    return RefusedError(status, Refusal(error=text))


def refusal_of(error: RefusedError | EdgewiseError) -> tuple[int, Refusal]:
    """The status of HTTP, and what is told, of an error that a client can mend."""
    if isinstance(error, RefusedError):
        return error.status, error.refusal
    return 422, of_configuration(error) if isinstance(error, ConfigurationError) else Refusal(error=str(error))


def of_configuration(error: ConfigurationError) -> Refusal:
    """What is told of a value that is not allowed."""
    return Refusal(error=shortened(str(error)), faults=[fault(error.field, error.value, error.allowed)])


def of_validation(errors: list[Any]) -> Refusal:
    """What is told of a body that does not fit its model.

    Args:
        errors: of pydantic.
    """
    faults = [_of_one(each) for each in errors[:20]]
    first = faults[0]
    return Refusal(error=f"{first.field} = {first.value}: must be {first.allowed}", faults=faults)


def _of_one(error: Any) -> Fault:
    place = ".".join(str(part) for part in error["loc"] if part != "body") or "body"
    allowed = "given" if error["type"] == "missing" else error["msg"].removeprefix("Input should be ")
    return fault(place, None if error["type"] == "missing" else error.get("input"), allowed)


def fault(field: str, value: Any, allowed: str) -> Fault:
    """A field with its value, shortened."""
    return Fault(field=shortened(field), value=shortened(repr(value)), allowed=shortened(allowed))


def shortened(text: str) -> str:
    """The beginning of a text, without what cannot be shown in JSON."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
