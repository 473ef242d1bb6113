"""An edge server's agent over HTTP: decisions, a page with a QR code of the address, another agent without a pause, and back."""

from __future__ import annotations

import asyncio
import contextlib
import io
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import segno
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.construction.acceptance import example
from edgewise.construction.agent import kind_of
from edgewise.construction.artefact import Module
from edgewise.construction.deployment import Deployment, Served
from edgewise.construction.kind import NAMES
from edgewise.construction.steps import After, Move, Outcome, View
from edgewise.reports.page import render
from edgewise.serving.application import add_errors
from edgewise.serving.health import health_routes
from edgewise.serving.logs import LOG, set_up
from edgewise.serving.measures import Measures
from edgewise.serving.refusals import Refusal, refused
from edgewise.serving.security import Gate, read_token
from edgewise.serving.settings import LOOPBACK, Settings
from edgewise.serving.watch import Watch

LOOK_S = 1.0
"""Time between two looks for an agent that has arrived, s."""
REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"model": Refusal, "description": "only this machine itself may change the agent"},
    422: {"model": Refusal, "description": "a field has a value that is not allowed"},
    503: {"model": Refusal, "description": "no agent has arrived yet"},
}


class ModuleFacts(BaseModel):
    """A module of the agent."""

    kind: str
    digest: str
    author: str = Field(description="public key of the edge server that has built it")
    rounds: int = Field(description="of its log")
    examples: int = Field(description="that it was built from")
    further: list[ModuleFacts] = Field(default_factory=list, description="modules that answer together with it")


class AgentFacts(BaseModel):
    """The agent that is served."""

    name: str
    version: str
    acceptance: float = Field(description="success of its acceptance test when it was integrated")
    message: str = Field(description="what must be known of it; empty for nothing")
    modules: dict[str, ModuleFacts]
    missing: list[str]
    since: float = Field(description="when it was loaded, s since 1970")
    answers: int = Field(description="of the server since it has started")
    median_ms: float | None = Field(description="median time of the agent's latest answers")
    versions: list[str] = Field(description="that have arrived, the latest last")
    address: str


class Decided(BaseModel):
    """What the agent does next."""

    move: Move
    agent: str = Field(description="version that has decided")


class Reflected(BaseModel):
    """How a move went."""

    outcome: Outcome
    agent: str = Field(description="version that has reflected")


class Version(BaseModel):
    """An agent that has arrived."""

    model_config = ConfigDict(extra="forbid")
    version: str = Field(min_length=1, max_length=128, description="its name, or the beginning of it")


def application(deployment: Deployment, settings: Settings) -> FastAPI:
    """The application that serves an agent; it follows the folder's current one.

    Args:
        deployment: the agents.
        settings: of the server: address, token, TLS and limits; its models and sessions play no part.

    Raises:
        EdgewiseError: if a token is needed and missing.
    """
    token, measures = read_token(settings), Measures()

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(_follow(deployment, measures))
        yield
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    app = FastAPI(title="Edgewise agent", version=__version__, summary="an agent of an edge server", lifespan=life)
    add_errors(app)
    app.include_router(health_routes(deployment))
    app.include_router(_agent_routes(deployment, measures, address(settings)))
    app.include_router(_change_routes(deployment, measures))
    _add_page(app, deployment, address(settings), token)

    @app.get("/metrics", tags=["health"], summary="figures for Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_middleware(Gate, token=token, settings=settings)
    app.add_middleware(Watch, measures=measures)
    return app


def serve(folder: Path, settings: Settings, trusted: str | None = None) -> None:
    """Serve the agent of an edge server's folder until SIGTERM or Ctrl-C; it may arrive later.

    Args:
        folder: of the edge server.
        settings: see `application`.
        trusted: public key of the cloud server that must have signed it. If None, any may have.

    Raises:
        EdgewiseError: if a token is needed and missing.
    """
    set_up(settings.log)
    app = application(Deployment(folder, trusted), settings)
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=int(settings.stop_s),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    print(f"{address(settings)} shows the agent, {address(settings)}docs how to ask it", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: None)  # raised once more at the end: what it asks for is done then
    uvicorn.Server(config).run()


def address(settings: Settings) -> str:
    """Where users of the local network reach a server."""
    scheme = "http" if settings.tls_certificate is None else "https"
    host = _own_address() if settings.host in ("0.0.0.0", "::", "") else settings.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}/"


def _own_address() -> str:
    """The address of this machine in its network; nothing is sent to find it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address that documentation may use: no one has it
        return str(probe.getsockname()[0])
    return socket.gethostname()


async def _follow(deployment: Deployment, measures: Measures) -> None:
    """Look for another agent again and again."""
    while True:
        try:
            await asyncio.get_running_loop().run_in_executor(None, deployment.refresh)
            _tell(deployment.served, measures)
        except Exception as error:
            LOG.error("failed", exc_info=error)
        await asyncio.sleep(LOOK_S)


def _tell(served: Served | None, measures: Measures) -> None:
    if served is not None:
        measures.models.clear()
        measures.models.labels(served.agent.lock.name, served.version).set(1)
    measures.ready.set(served is not None)


def _agent_routes(deployment: Deployment, measures: Measures, where: str) -> APIRouter:
    """The addresses at which users ask."""
    router = APIRouter(prefix="/v1/agent", tags=["agent"], responses=REFUSALS)

    @router.get("", summary="the agent that is served")
    def facts() -> AgentFacts:
        return _facts(deployment, where)

    @router.get("/example", summary="a view of a synthetic telephone, to try it with")
    def view(seed: int = 0) -> View:
        return example(min(abs(seed), 2**31))

    @router.post("/decide", summary="what to do next in a view")
    def decide(view: View) -> Decided:
        move, served = _asked(deployment.decide, deployment, view)
        measures.decisions.labels(served.agent.lock.name, served.version, "false").inc()
        return Decided(move=move, agent=served.version)

    @router.post("/reflect", summary="how a move went")
    def reflect(after: After) -> Reflected:
        outcome, served = _asked(deployment.reflect, deployment, after)
        return Reflected(outcome=outcome, agent=served.version)

    @router.get("/modules/{place}", summary="what a module takes and gives, as JSON schemas")
    def schemas(place: str) -> dict[str, Any]:
        kind = kind_of(_module(deployment, place))
        return {"inputs": kind.inputs, "outputs": kind.outputs}

    @router.post("/modules/{place}", summary="ask a module alone")
    def ask(place: str, body: dict[str, Any]) -> dict[str, Any]:
        module = _module(deployment, place)
        return _present(deployment).agent.answering[kind_of(module).name]([body])[0]

    return router


def _change_routes(deployment: Deployment, measures: Measures) -> APIRouter:
    """The addresses at which the machine itself changes the agent."""
    router = APIRouter(prefix="/v1/agent", tags=["versions"], responses=REFUSALS)

    @router.post("/load", summary="serve a version that has arrived")
    def load(http: Request, version: Version) -> dict[str, str]:
        _at_home(http)
        served = deployment.load(version.version)
        _tell(served, measures)
        return {"version": served.version}

    @router.post("/rollback", summary="serve the version again that was served before")
    def roll_back(http: Request) -> dict[str, str]:
        _at_home(http)
        served = deployment.roll_back()
        _tell(served, measures)
        return {"version": served.version}

    return router


def _asked(ask: Any, deployment: Deployment, body: BaseModel) -> Any:
    _present(deployment)
    return ask(body)


def _present(deployment: Deployment) -> Served:
    if deployment.served is None:
        raise refused(503, "no agent has arrived yet")
    return deployment.served


def _module(deployment: Deployment, place: str) -> Any:
    modules = {str(name): module for name, module in _present(deployment).agent.modules.items()}
    if place not in modules:
        raise refused(404, f"place = {place[:80]!r}: must be one of {', '.join(modules) or 'none: no module is there'}")
    return modules[place]


def _at_home(http: Request) -> None:
    if http.client is None or http.client.host not in LOOPBACK:
        raise refused(403, "only the edge server's own machine may change the agent")


def _facts(deployment: Deployment, where: str) -> AgentFacts:
    served = _present(deployment)
    agent = served.agent
    modules = {str(place): _module_facts(agent.parts(place)) for place in agent.modules}
    return AgentFacts(
        name=agent.lock.name,
        version=served.version,
        acceptance=agent.lock.acceptance,
        message=agent.message,
        modules=modules,
        missing=list(agent.missing),
        since=served.since,
        answers=deployment.answers,
        median_ms=served.median_ms,
        versions=deployment.versions(),
        address=where,
    )


def _module_facts(parts: Sequence[Module]) -> ModuleFacts:
    """Of the first one, which others answer together with."""
    first, *others = parts
    return ModuleFacts(
        kind=first.manifest.kind,
        digest=first.manifest.digest,
        author=first.manifest.author,
        rounds=len(first.manifest.rounds),
        examples=first.manifest.examples,
        further=[_module_facts([each]) for each in others],
    )


def _add_page(app: FastAPI, deployment: Deployment, where: str, token: str | None) -> None:
    """The page for people: scanned from another screen, its QR code opens it there."""

    @app.get("/", include_in_schema=False, response_class=HTMLResponse)
    def page() -> HTMLResponse:
        code = Markup(qr_code(where if token is None else f"{where}?token={token}"))
        return HTMLResponse(render("agent.html", address=where, code=code, places=NAMES))


def qr_code(text: str) -> str:
    """A QR code as SVG.

    Raises:
        EdgewiseError: if the text is too long for one.
    """
    stream = io.BytesIO()
    try:
        segno.make(text, error="m", micro=False).save(
            stream, kind="svg", scale=5, border=3, xmldecl=False, light="#fff"
        )
    except ValueError as error:
        raise EdgewiseError(f"QR code: {error}") from None
    return stream.getvalue().decode()
