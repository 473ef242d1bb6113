"""Files inside a run's folder, and paths that are stored relative to it, so that the folder can be moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COPY = "origin"
"""The policy that the run has started with."""
START = "./"
"""Of a path that is meant relative to the folder of the run."""


def stored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Plain values of a configuration with the absolute paths inside a folder made relative to it."""
    root = folder.resolve()

    def relative(value: Any) -> Any:
        if isinstance(value, str) and Path(value).is_absolute() and Path(value).is_relative_to(root):
            return START + Path(value).relative_to(root).as_posix()
        return value

    return {name: relative(value) for name, value in values.items()}


def located(values: Any, folder: Path) -> Any:
    """The inverse of `stored`; an absolute path to a file that is gone stands for the file of that name in the folder.

    Runs of earlier versions hold such paths.
    """
    if not isinstance(values, dict):
        return values
    root = folder.resolve()

    def absolute(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith(START):
            return str(root / value)
        path = Path(value)
        if path.is_absolute() and not path.exists() and (root / path.name).is_file():
            return str(root / path.name)
        return value

    return {name: absolute(value) for name, value in values.items()}
