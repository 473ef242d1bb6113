"""A page that shows a simulated phone and on which a person can tap, swipe and type, with NiceGUI."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable

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
Said = Callable[[], str]
LOOK_EVERY_S = 0.02
"""Time between two looks at a server that starts, s."""
CSS = f"""
body {{ font-family: system-ui, sans-serif; }}
.phone {{ width: min({SHOWN_WIDTH}px, 100%); flex: none; }}
.phone img {{ border-radius: 14px; touch-action: none; }}
.beside {{ flex: 1 1 16rem; min-width: 0; overflow-wrap: anywhere; }}
.said {{ white-space: pre-line; }}
.beside .q-input {{ width: min(20rem, 100%); }}
"""


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
        said: what is said beside it, asked again and again; a line each.
    """

    def __init__(self, session: Session, said: Said) -> None:
        self._session, self._drawn, self._said = session, session.shown, said
        self._down: tuple[float, float, float] | None = None
        with ui.row().classes("items-start").style("gap: 1rem 2rem; width: 100%"):
            self._image = ui.interactive_image(
                as_address(session), on_mouse=self._mouse, events=["mousedown", "mouseup"], sanitize=False
            ).classes("phone")
            self._image.props("draggable=false")
            with ui.column().classes("beside"):
                ui.label("Simulated phone").style("font-size: 1.4rem")
                self._told, self._line = ui.label(""), ui.label(said()).classes("said")
                with ui.row():
                    for name in ("back", "home", "recents"):
                        ui.button(name, on_click=lambda name=name: session.make(Press(name))).props("outline no-caps")
                self._text = ui.input("text for the field that has the focus")
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
        line = self._said()
        if self._line.text != line:
            self._line.set_text(line)


def page_of(session: Session, said: Said = lambda: "") -> FastAPI:
    """The application that serves the page; arguments as of `View`."""
    app = FastAPI(title="Simulated phone", openapi_url=None)

    @ui.page("/", title="Simulated phone")
    def page() -> None:
        ui.add_css(CSS)
        View(session, said)

    ui.run_with(app, title="Simulated phone", dark=None, tailwind=False, show_welcome_message=False)
    return app


def _server(session: Session, host: str, port: int, said: Said = lambda: "") -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(page_of(session, said), host=host, port=port, log_level="error", lifespan="on")
    )


def _taken(host: str, port: int) -> EdgewiseError:
    return EdgewiseError(f"port {port} of {host} cannot be used")


async def serve_page(session: Session, host: str, port: int) -> None:
    """Serve the page until the process is asked to end.

    Raises:
        EdgewiseError: if the port is taken.
    """
    try:
        await _server(session, host, port).serve()
    except SystemExit:
        raise _taken(host, port) from None


def start_page(session: Session, host: str, port: int, said: Said = lambda: "") -> str:
    """Serve the page beside what this process does, as long as it lives.

    Args:
        session: the phone.
        host: on which the page is.
        port: of the page; 0 for a free one.
        said: what is said beside the phone, asked again and again.

    Returns:
        Its address, once a browser can open it.

    Raises:
        EdgewiseError: if the port is taken.
    """
    server = _server(session, host, port, said)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise _taken(host, port)
        time.sleep(LOOK_EVERY_S)
    return f"http://{host}:{server.servers[0].sockets[0].getsockname()[1]}"
