"""Open tables: named things that packages bring through entry points, and scripts through `register`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from importlib import metadata
from typing import Any, Generic, TypeVar

from edgewise.common.errors import ConfigurationError, EdgewiseError

Item = TypeVar("Item")


def resolve(target: Any) -> Any:
    """What a "module:name" stands for; anything that is no string stands for itself.

    Raises:
        EdgewiseError: if there is no such module or name.
    """
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise EdgewiseError(f"{target}: cannot be loaded: {error}") from error


def unknown(field: str, name: str, known: Iterable[str], more: str = "") -> ConfigurationError:
    """The error for a name that does not exist: what exists, and which was probably meant.

    Args:
        field: what is named.
        name: as given.
        known: the names that exist.
        more: further possibilities in words, such as "SOURCE:ID".
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return ConfigurationError(field, name, f"one of {', '.join([*names, *([more] if more else [])])}{hint}")


class Table(Generic[Item]):
    """The things of one kind, by name. They are loaded when they are asked for."""

    def __init__(self, group: str, field: str) -> None:
        """Args: the group of entry points, and what errors call a name."""
        self._group = group
        self._field = field
        self._registered: dict[str, Item] = {}
        self._loaded: dict[str, Item] = {}
        self._points: dict[str, metadata.EntryPoint] | None = None

    def names(self) -> tuple[str, ...]:
        """Every name, those of packages in alphabetical order, then those that were registered."""
        return (*self._entry_points(), *self._registered)

    def find(self, name: str, more: str = "") -> Item:
        """Look a thing up.

        Args:
            name: the name of the thing.
            more: what else an error says is allowed.

        Raises:
            ConfigurationError: naming those that exist.
            EdgewiseError: if the package that brings it cannot be loaded.
        """
        if name in self._registered:
            return self._registered[name]
        points = self._entry_points()
        if name not in points:
            raise unknown(self._field, name, self.names(), more)
        if name not in self._loaded:
            self._loaded[name] = _load(points[name])
        return self._loaded[name]

    def register(self, name: str, item: Item) -> None:
        """Add a thing for this process.

        Raises:
            ConfigurationError: if the name is taken.
        """
        if name in self.names():
            raise ConfigurationError("name", name, f"a name other than {', '.join(self.names())}")
        self._registered[name] = item

    def name_of(self, item: object) -> str | None:
        """The name under which a thing can be found, without loading others; None if there is none."""
        for name, known in [*self._registered.items(), *self._loaded.items()]:
            if known is item:
                return name
        target = f"{getattr(item, '__module__', '')}:{getattr(item, '__qualname__', '')}"
        return next((name for name, point in self._entry_points().items() if point.value == target), None)

    def items(self) -> list[Item]:
        """Everything, loaded."""
        return [self.find(name) for name in self.names()]

    def _entry_points(self) -> dict[str, metadata.EntryPoint]:
        if self._points is None:
            points: dict[str, metadata.EntryPoint] = {}
            for point in sorted(metadata.entry_points(group=self._group), key=lambda point: point.name):
                if point.name in points and points[point.name].value != point.value:
                    both = f"{points[point.name].value} and {point.value}"
                    raise EdgewiseError(f"{self._group}: {point.name} stands for {both}: uninstall one of the packages")
                points[point.name] = point
            self._points = points
        return self._points


def _load(point: metadata.EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise EdgewiseError(
            f"entry point {point.group} {point.name} = {point.value}: cannot be loaded: {error}"
        ) from error
