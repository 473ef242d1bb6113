"""Self-contained HTML pages."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2

from edgewise.common.errors import EdgewiseError


def render(template: str, **values: Any) -> str:
    """A page from a template of this package; every value that it names must be given."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgewise.reports"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(values)


def embedded(picture: Path) -> str:
    """A PNG as an address that holds it.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    try:
        return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    except OSError as error:
        raise EdgewiseError(f"{picture}: cannot be read: {error.strerror or error}") from None
