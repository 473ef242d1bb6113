"""`edgewise serve [MODEL ...]`."""

from __future__ import annotations

import tyro

from edgewise.common.extras import missing
from edgewise.serving.settings import Settings


def run(words: list[str]) -> int:
    """Carry the command out."""
    settings = tyro.cli(Settings, args=words, prog="edgewise serve")
    try:
        from edgewise.serving.replicas import serve_on_ray
        from edgewise.serving.run import serve
    except ImportError as error:
        raise missing(error.name or "fastapi", "serve", error) from None
    (serve_on_ray if settings.ray else serve)(settings)
    return 0
