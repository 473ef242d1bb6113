"""Functions that a user names: `MODULE:FUNCTION`, or `FILE.py:FUNCTION`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewise.common.errors import ConfigurationError, EdgewiseError

FORM = "MODULE:FUNCTION or FILE.py:FUNCTION"


def load_function(field: str, text: str) -> Callable[..., Any]:
    """The function that a text names. The file's own folder can be imported from, as when it is run.

    Args:
        field: what the text is given for, for the error.
        text: `MODULE:FUNCTION` or `FILE.py:FUNCTION`.

    Raises:
        ConfigurationError: if the text has another form, or names nothing that can be called.
        EdgewiseError: if the module or file fails while it is loaded.
    """
    place, _, name = text.rpartition(":")
    if not place or not name.isidentifier():
        raise ConfigurationError(field, text, FORM)
    module = _file_module(field, text, Path(place)) if place.endswith(".py") else _import(field, text, place)
    found = getattr(module, name, None)
    if found is None:
        raise ConfigurationError(field, text, f"the name of a function: {place} has no {name}")
    if not callable(found):
        raise ConfigurationError(field, text, f"the name of a function: {name} is of type {type(found).__name__}")
    return found


def fingerprint(function: Callable[..., Any]) -> str:
    """SHA-256 of the file that a function stands in; empty if there is none.

    A function that was made of another one (functools.partial) stands where the other one does.
    """
    try:
        file = inspect.getsourcefile(inspect.unwrap(getattr(function, "func", function)))
        return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except (TypeError, OSError):
        return ""


def one_line(error: BaseException) -> str:
    """An error of foreign code: its type and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _import(field: str, text: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(field, text, f"{FORM}: there is no module {name}") from None
        raise EdgewiseError(f"{field} {text}: cannot be loaded: {one_line(error)}") from error
    except Exception as error:
        raise EdgewiseError(f"{field} {text}: cannot be loaded: {one_line(error)}") from error


def _file_module(field: str, text: str, path: Path) -> Any:
    if not path.is_file():
        raise ConfigurationError(field, text, f"{FORM}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"edgewise_user_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise EdgewiseError(f"{field} {text}: cannot be loaded: {one_line(error)}") from error
    return module
