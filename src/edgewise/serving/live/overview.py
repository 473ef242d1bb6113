"""The models of the server as a table of HTML."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from edgewise.serving.live.history import History

if TYPE_CHECKING:
    from edgewise.serving.application import Server

WORDS = ("model", "version", "learner")
NUMBERS = ("decisions", "median", "degraded", "outside training", "shadow agrees")
COLUMNS = dict.fromkeys(WORDS, "words") | dict.fromkeys(NUMBERS, "")
"""With the class of their cells."""
SHORT = 12
"""Letters of a digest."""


def models_table(server: Server, history: History) -> str:
    """Every loaded model: its version, and how its latest decisions went.

    Args:
        server: whose.
        history: of its decisions.
    """
    head = "".join(f'<th class="{kind}">{name}</th>' for name, kind in COLUMNS.items())
    rows = []
    for model in server.repository.models():
        tally = history.tally(model.name)
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
            f"<td>{figures[0]}</td><td>{figures[1]}</td><td{wrong}>{figures[2]}</td><td>{figures[3]}</td>"
            f"<td>{escape(_agreement(server, model.name))}</td>",
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _agreement(server: Server, model: str) -> str:
    """In what part of its decisions the model's shadow would have decided so too."""
    shadow = server.repository.shadow(model)
    if shadow is None:
        return "–"
    counted: Counter[str] = Counter()
    for metric in server.measures.shadows.collect():
        for sample in metric.samples:
            told = sample.labels
            wanted = (model, shadow.name, shadow.digest)
            if sample.name.endswith("_total") and (told["model"], told["shadow"], told["policy"]) == wanted:
                counted[told["agrees"]] += int(sample.value)
    return f"{shadow.name}: {counted['true'] / counted.total():.1%}" if counted.total() else f"{shadow.name}: –"
