"""A page that shows a simulated phone and on which a person can tap, swipe and type, with NiceGUI."""

from __future__ import annotations

import base64
import io
import time

import uvicorn
from fastapi import FastAPI
from nicegui import events, ui

from edgewise.agent.phone.core import Press, Swipe, Type
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.session import Session
from edgewise.common.errors import EdgewiseError

SHOWN_WIDTH = 405
"""Width of the phone on the page, pixels."""
EVERY_S = 0.25
"""Time between two looks at the phone, s."""
QUALITY = 85
"""Of the JPEG pictures that the page shows."""
CSS = "body { font-family: system-ui, sans-serif; } .phone img { border-radius: 14px; touch-action: none; }"


def as_address(session: Session) -> str:
    """The display as an address of a picture that holds the picture itself."""
    kept = io.BytesIO()
    shown = picture(session.shown)
    small = shown.resize((2 * SHOWN_WIDTH, round(2 * SHOWN_WIDTH * shown.height / shown.width)))
    small.save(kept, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(kept.getvalue()).decode()


class View:
    """What one visitor sees.

    Args:
        session: the phone.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._drawn = session, session.shown
        self._down: tuple[float, float, float] | None = None
        with ui.row().classes("items-start no-wrap").style("gap: 2rem"):
            self._image = ui.interactive_image(
                as_address(session), on_mouse=self._mouse, events=["mousedown", "mouseup"], sanitize=False
            ).classes("phone")
            self._image.style(f"width: {SHOWN_WIDTH}px").props("draggable=false")
            with ui.column():
                ui.label("Simulated phone").style("font-size: 1.4rem")
                self._told = ui.label("")
                with ui.row():
                    for name in ("back", "home", "recents"):
                        ui.button(name, on_click=lambda name=name: session.make(Press(name))).props("outline no-caps")
                self._text = ui.input("text for the field that has the focus").style("width: 20rem")
                self._text.on("keydown.enter", self._type)
                with ui.row():
                    ui.button("Type", on_click=self._type).props("no-caps")
                    ui.button("Delete", on_click=lambda: session.make(Press("delete"))).props("outline no-caps")
                    ui.button("Enter", on_click=lambda: session.make(Press("enter"))).props("outline no-caps")
        ui.timer(EVERY_S, self._refresh)

    def _mouse(self, event: events.MouseEventArguments) -> None:
        scale = self._session.shown.size[0] / (2 * SHOWN_WIDTH)
        x, y = scale * event.image_x, scale * event.image_y
        if event.type == "mousedown":
            self._down = (x, y, time.monotonic())
        elif self._down is not None:
            from_x, from_y, began = self._down
            held = time.monotonic() - began
            self._down = None
            self._session.make(Swipe(round(from_x), round(from_y), round(x), round(y), held))

    def _type(self) -> None:
        if not self._session.state.focus:
            ui.notify("no field has the focus: tap one first")
            return
        self._session.make(Type(self._text.value or ""))
        self._text.set_value("")

    def _refresh(self) -> None:
        shown = self._session.shown
        if shown != self._drawn:
            self._drawn = shown
            self._image.set_source(as_address(self._session))
        place = shown.place
        said = f"{place.app}: {place.page} · {self._session.gestures} gestures"
        if self._told.text != said:
            self._told.set_text(said)


def page_of(session: Session) -> FastAPI:
    """The application that serves the page."""
    app = FastAPI(title="Simulated phone", openapi_url=None)

    @ui.page("/", title="Simulated phone")
    def page() -> None:
        ui.add_css(CSS)
        View(session)

    ui.run_with(app, title="Simulated phone", dark=None, tailwind=False, show_welcome_message=False)
    return app


async def serve_page(session: Session, host: str, port: int) -> None:
    """Serve the page until the process is asked to end.

    Raises:
        EdgewiseError: if the port is taken.
    """
    config = uvicorn.Config(page_of(session), host=host, port=port, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    try:
        await server.serve()
    except SystemExit:
        raise EdgewiseError(f"port {port} of {host} cannot be used") from None
