"""Packages that are installed only where they are wanted."""

from __future__ import annotations

from edgewise.common.errors import EdgewiseError


def missing(package: str, extra: str, error: ImportError) -> EdgewiseError:
    """The error for an optional package that cannot be imported.

    Args:
        package: what cannot be imported.
        extra: the extra of this library that it comes with.
        error: why.
    """
    return EdgewiseError(f"{package} cannot be imported ({error}): in a checkout of edgewise, pip install '.[{extra}]'")
