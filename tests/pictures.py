"""What is in a picture file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from matplotlib.image import imread


def shows_something(path: Path) -> bool:
    """Whether a PNG has colours, an SVG lines and text, and a PDF is whole and has a font."""
    if path.suffix == ".png":
        return len(np.unique(imread(path).reshape(-1, 4), axis=0)) > 10
    if path.suffix == ".svg":
        tags = {element.tag.split("}")[-1] for element in ElementTree.parse(path).iter()}
        return {"path", "g"} <= tags
    content = path.read_bytes()
    return content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF") and b"/Font" in content
