"""The page of the live view, with NiceGUI: it follows a session, or stands still and goes through what is remembered of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import run, ui
from starlette.exceptions import HTTPException

from edgewise.common.errors import EdgewiseError
from edgewise.drawing.scene_svg import SCRIPT, STYLE, markup
from edgewise.serving.live.earlier import Earlier
from edgewise.serving.live.history import SESSIONS, History
from edgewise.serving.live.overview import models_table

if TYPE_CHECKING:
    from fastapi import FastAPI

    from edgewise.serving.application import Server

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
EVERY_S = 0.5
"""Time between two looks, s."""
GLIDE_MS = 450
"""Time in which marks go to their new places."""
CSS = STYLE + (Path(__file__).parent / "live.css").read_text()
HEAD = f"""<script>{SCRIPT}
function present(html) {{
  const box = document.getElementById("scene-of-session"), before = box.cloneNode(true);
  box.innerHTML = html;
  glide(before, box, {GLIDE_MS});
}}
</script>"""
NOTHING = '<p class="live">Nothing to be seen yet: this page shows sessions as they are used.</p>'


def mount(app: FastAPI, server: Server) -> History:
    """Add the live view to the application of a server, at its root.

    Args:
        app: whose addresses go before those of the view.
        server: what is shown.

    Returns:
        What is remembered of the server from now on.
    """
    earlier = Earlier(server)
    history = History(earlier)
    earlier.remember(history, SESSIONS)
    server.worker.listeners.append(history.add)

    for start in ("v1", "v2"):  # what no address above takes is told in the server's own form, not as a page

        @app.api_route(f"/{start}/{{rest:path}}", methods=METHODS, include_in_schema=False)
        def unknown(rest: str) -> None:
            raise HTTPException(404)

    @ui.page("/", title="Edgewise")
    def page() -> None:
        ui.add_css(CSS)
        ui.add_head_html(HEAD)
        View(server, history)

    ui.run_with(app, title="Edgewise", dark=None, tailwind=False, show_welcome_message=False)
    return history


class View:
    """What one visitor sees.

    Args:
        server: what is shown.
        history: what is remembered of it.
    """

    def __init__(self, server: Server, history: History) -> None:
        self._server, self._history = server, history
        self._session: tuple[str, str] | None = None
        self._version = -1
        self._drawn: tuple[Any, ...] = ()
        self._following = True
        ui.html("<h1>Edgewise</h1><p>policies at work</p>", sanitize=False).classes("live")
        self._models = ui.html("", sanitize=False).classes("live").style("width: 100%")
        with ui.element("div").classes("controls"):
            self._choice = ui.select({}, label="session", on_change=self._choose).props("dense outlined options-dense")
            self._choice.style("min-width: 14rem")
            self._pause = ui.button("Pause", on_click=self._toggle).props("outline no-caps aria-label='pause or go on'")
            ui.button("◀", on_click=lambda: self._move(-1)).props("outline aria-label='one step back'")
            ui.button("▶", on_click=lambda: self._move(1)).props("outline aria-label='one step on'")
            self._when = ui.label("").classes("when")
            self._slider = ui.slider(min=0, max=1, value=1, on_change=self._slide).classes("past")
            self._slider.props("aria-label='remembered steps'")
        self._scene = ui.html(f'<div id="scene-of-session">{NOTHING}</div>', sanitize=False).style("width: 100%")
        ui.timer(EVERY_S, self._refresh)

    async def _refresh(self) -> None:
        table = models_table(self._server, self._history)
        if table != self._models.content:
            self._models.set_content(table)
        known = self._history.sessions()
        options = {json.dumps(each): f"{each[1]} ({each[0]})" for each in known}
        if options != self._choice.options:
            chosen = self._choice.value if self._choice.value in options else next(iter(options), None)
            self._choice.set_options(options, value=chosen)
        versions = await self._versions()
        if not versions:
            return
        if self._following or self._version not in versions:
            self._version = versions[-1] if self._following else versions[0]
        self._set_slider(versions)
        await self._draw()

    async def _versions(self) -> list[int]:
        """What can be shown of the session, the oldest first."""
        if self._session is None:
            return []
        return await run.io_bound(self._history.versions, self._session) or []

    def _set_slider(self, versions: list[int]) -> None:
        span, place = (0, max(len(versions) - 1, 1)), versions.index(self._version)
        if (self._slider.props["min"], self._slider.props["max"]) != span:
            self._slider.props(f"min={span[0]} max={span[1]}")
        if self._slider.value != place:
            self._slider.set_value(place)

    async def _draw(self) -> None:
        session, version = self._session, self._version
        if session is None or self._drawn == (session, version):
            return
        self._drawn = (session, version)
        content, when = await run.io_bound(self._content, session, version) or ("", "")
        if self._drawn != (session, version):
            return
        self._when.set_text(when)
        ui.run_javascript(f"present({json.dumps(content)})")

    def _content(self, session: tuple[str, str], version: int) -> tuple[str, str]:
        """The scene of a state, HTML, and when it was, in words."""
        try:
            service = self._server.repository.find(self._history.model(session) or "").service
        except EdgewiseError:
            service = None
        scene = None if service is None else self._history.scene(session, version, service.shown)
        return (NOTHING, "") if scene is None else (markup(scene), scene.time)

    def _choose(self, event: Any) -> None:
        self._session = None if event.value is None else tuple(json.loads(event.value))
        self._drawn = ()
        self._follow(True)

    def _toggle(self) -> None:
        self._follow(not self._following)

    def _follow(self, following: bool) -> None:
        self._following = following
        self._pause.set_text("Pause" if following else "Live")

    async def _move(self, by: int) -> None:
        self._follow(False)
        versions = await self._versions()
        if self._version in versions:
            place = min(max(versions.index(self._version) + by, 0), len(versions) - 1)
            await self._go(versions, place)

    async def _slide(self, event: Any) -> None:
        versions = await self._versions()
        place = int(event.value)
        if place < len(versions) and versions[place] != self._version:
            self._follow(False)
            await self._go(versions, place)

    async def _go(self, versions: list[int], place: int) -> None:
        self._version = versions[place]
        self._set_slider(versions)
        await self._draw()
