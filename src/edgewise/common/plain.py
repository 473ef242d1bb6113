"""Configuration dataclasses to plain values and back, for YAML and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from edgewise.common.errors import ConfigurationError

Record = TypeVar("Record")
ADDED = {"added": True}
"""Metadata of a field that a configuration has got later. At its default it is left out of plain values, so that the addresses
of results from before stay."""


def to_plain(record: Any) -> dict[str, Any]:
    """A dataclass as nested dictionaries and lists of plain values."""

    def plain(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            shown = [each for each in fields(value) if not ("added" in each.metadata and _at_default(value, each))]
            return {each.name: plain(getattr(value, each.name)) for each in shown}
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    result: dict[str, Any] = plain(record)
    return result


def _at_default(record: Any, field: Field[Any]) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(record, field.name) == default)


def from_plain(kind: type[Record], values: object) -> Record:
    """The inverse of `to_plain`; absent fields take their defaults.

    Values have the very types that JSON gives them: text is no number, and a number with a decimal point no whole number.

    Raises:
        ConfigurationError: naming the first field that is unknown or has a value of the wrong type or range.
    """
    assert is_dataclass(kind)
    if not isinstance(values, dict):
        raise ConfigurationError(kind.__name__, values, "a mapping of field names to values")
    known = {field.name for field in fields(kind)}
    for name in values:
        if name not in known:
            raise ConfigurationError(str(name), values[name], "left out; known fields are " + ", ".join(sorted(known)))
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, ConfigurationError):
            raise cause from None
        place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in known)
        if first["type"] == "missing":
            raise ConfigurationError(place, None, "given") from None
        raise ConfigurationError(place, first["input"], first["msg"].removeprefix("Input should be ")) from None


def check_keys(name: str, values: object, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """Require a mapping that has all required keys, and no others but the optional ones.

    Args:
        name: the name of the mapping, shown in the error.
        values: the values that are checked.
        required, optional: keys.

    Returns:
        The mapping.

    Raises:
        ConfigurationError: naming every unknown key and every missing one.
    """
    required = tuple(required)
    known = (*required, *optional)
    if not isinstance(values, dict):
        raise ConfigurationError(name, values, f"a mapping with the keys {', '.join(known)}")
    unknown = [str(key) for key in values if key not in known]
    missing = [key for key in required if key not in values]
    needed = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing" if missing else ""
    if unknown:
        also = f"; {needed}" if needed else ""
        field = unknown[0] if len(unknown) == 1 else f"{name} keys"
        value = next(values[key] for key in values if str(key) == field) if len(unknown) == 1 else ", ".join(unknown)
        raise ConfigurationError(field, value, f"left out; known keys are {', '.join(known)}{also}")
    if missing:
        raise ConfigurationError(name, sorted(map(str, values)), f"complete: {needed}")
    return values
