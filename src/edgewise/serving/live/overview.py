"""The models of the server as a table of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewise.serving.application import Server

WORDS = ("model", "version", "learner")
COLUMNS = dict.fromkeys(WORDS, "words") | dict.fromkeys(("decisions", "median", "degraded", "outside training"), "")
"""With the class of their cells."""
SHORT = 12
"""Letters of a digest."""


def models_table(server: Server) -> str:
    """Every loaded model: its version, and how its latest decisions went.

    Args:
        server: whose.
    """
    head = "".join(f'<th class="{kind}">{name}</th>' for name, kind in COLUMNS.items())
    rows = []
    for model in server.repository.models():
        tally = server.history.tally(model.name)
        figures = ["0", "–", "–", "–"]
        if tally is not None:
            figures = [
                str(tally.decisions),
                f"{tally.milliseconds:.1f} ms",
                f"{tally.degraded:.1%}",
                f"{tally.outside:.1%}",
            ]
        wrong = ' class="wrong"' if tally is not None and tally.degraded > 0 else ""
        cells = [
            f'<td class="words">{escape(model.name)}</td>',
            f'<td class="words"><code title="{escape(model.digest)}">{escape(model.digest[:SHORT])}</code></td>',
            f'<td class="words">{escape(model.artefact.algorithm)}</td>',
            f"<td>{figures[0]}</td><td>{figures[1]}</td><td{wrong}>{figures[2]}</td><td>{figures[3]}</td>",
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
