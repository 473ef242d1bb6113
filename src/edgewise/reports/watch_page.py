"""Runs of a folder as a page that keeps itself up to date."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path

import numpy as np

from edgewise.drawing.scene import Scene, short
from edgewise.drawing.scene_svg import STYLE, markup
from edgewise.reports.watched import Group, panel, watch

PAGE_STYLE = STYLE + (Path(__file__).parent / "watch.css").read_text()
COLUMNS = {
    "": "",
    "run": "words",
    "learner": "words",
    "best": "",
    "last": "",
    "steps": "",
    "done": "",
    "state": "words",
}
HEAD = "".join(f'<th class="{kind}">{name}</th>' for name, kind in COLUMNS.items())
"""Of a ranking; columns of words stand to the left."""


def content(folder: Path) -> str:
    """The page's content now, HTML.

    Args:
        folder: whose runs.
    """
    groups, faults = watch(folder)
    parts = "".join(_group(group) for group in groups) or "<p>No runs yet.</p>"
    told = "".join(f'<p class="fault">{escape(fault)}</p>' for fault in faults)
    now = time.strftime("%H:%M:%S")
    return f'<div class="watch"><h1>{escape(str(folder))}</h1><p class="when">as of {now}</p>{parts}{told}</div>'


def _group(group: Group) -> str:
    drawn = markup(Scene(group.environment, "", curves=(panel(group),)))
    title = escape(f"{group.environment}: {len(group.runs)} run{'s' if len(group.runs) > 1 else ''}")
    tables = f'<div><div class="scroll" tabindex="0">{_ranking(group)}</div>{_differences(group)}</div>'
    return f'<section><h2 class="group">{title}</h2><div class="group-panels">{drawn}{tables}</div></section>'


def _ranking(group: Group) -> str:
    rows = []
    for place, run in enumerate(group.runs, 1):
        last = run.means[-1] if run.means else float("nan")
        best, latest = (run.headline.text(value) if np.isfinite(value) else "–" for value in (run.best, last))
        steps = short(run.steps[-1] if run.steps else 0.0)
        rows.append(
            f'<tr><td>{place}</td><td class="words name">{escape(run.name)}</td><td class="words">{escape(run.algorithm)}</td>'
            f"<td>{best}</td><td>{latest}</td><td>{steps}</td><td>{run.part:.0%}</td>"
            f'<td class="words {run.state}">{run.state_words}</td></tr>'
        )
    about = f"<caption hidden>ranking by {escape(group.headline.title)}</caption>"
    return f"<table>{about}<thead><tr>{HEAD}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _differences(group: Group) -> str:
    if not group.differences:
        return ""
    head = "".join(f"<th>{place}</th>" for place in range(1, len(group.runs) + 1))
    rows = "".join(
        f'<tr><td class="words name">{escape(name)}</td>{"".join(f"<td>{escape(word)}</td>" for word in words)}</tr>'
        for name, words in group.differences
    )
    table = f'<table><thead><tr><th class="words">differs in</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll" tabindex="0" style="margin-top: 1rem">{table}</div>'


def serve_page(folder: Path, host: str, port: int, every_s: float) -> None:
    """Serve the page until Ctrl-C.

    Args:
        folder: whose runs.
        host, port: to bind to.
        every_s: time between two looks, s.

    Raises:
        ImportError: without NiceGUI.
    """
    import uvicorn
    from fastapi import FastAPI
    from nicegui import run, ui

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @ui.page("/", title=f"{folder.resolve().name} – Edgewise")
    def page() -> None:
        ui.add_css(PAGE_STYLE)
        shown = ui.html("<p>reading …</p>", sanitize=False).style("width: 100%")

        async def refresh() -> None:
            shown.set_content(await run.io_bound(content, folder) or "")

        ui.timer(every_s, refresh)

    ui.run_with(app, title="Edgewise", dark=None, tailwind=False, show_welcome_message=False)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
