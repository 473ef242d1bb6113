"""Formulas of the pages as MathML, which browsers draw themselves, without scripts or downloads."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Called by MkDocs with the HTML of every page."""

    def draw(found: re.Match[str]) -> str:
        inline = found[2] == "("
        drawn = convert(html.unescape(found[3]), display="inline" if inline else "block")
        return drawn if inline else f'<div style="overflow-x: auto">{drawn}</div>'

    return FORMULA.sub(draw, content)
