"""The server as an application of FastAPI."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.host_memory import release_unused_memory
from edgewise.environments import registry
from edgewise.environments.service import Service
from edgewise.environments.system import System
from edgewise.serving.decide import Decider
from edgewise.serving.domain import session_places, session_routes, solver_route
from edgewise.serving.express import Express
from edgewise.serving.health import health_routes
from edgewise.serving.inference import inference_routes
from edgewise.serving.logs import LOG
from edgewise.serving.measures import Measures
from edgewise.serving.models import Model, find_sources
from edgewise.serving.programs import Programs
from edgewise.serving.refusals import Refusal, RefusedError, of_validation, refusal_of
from edgewise.serving.repository import Repository
from edgewise.serving.security import Gate, read_token
from edgewise.serving.sessions import Sessions
from edgewise.serving.settings import Settings
from edgewise.serving.store import Store
from edgewise.serving.watch import Watch
from edgewise.serving.worker import Worker


class Server:
    """What a server is made of.

    Args:
        settings: how it runs.

    Raises:
        EdgewiseError: if a model or the database cannot be opened, or a token is needed and missing.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.token = read_token(settings)
        self.measures = Measures()
        self.repository = Repository(find_sources(settings.models), self._warm_later, self.measures)
        self._ready = False
        self.programs = Programs(settings)
        for name in self.repository.sources:
            self.repository.load(name)
        for each in settings.shadow:
            self.repository.set_shadow(*each.split("=", 1))
        self.programs.require_known(self.repository.models())
        self.store = Store(settings.database, settings.every_state)
        self.decider = Decider(settings.deadline_ms / 1000, self.measures)
        self.worker = Worker(
            self.repository,
            self.decider,
            self.store,
            self.measures,
            self.programs,
            settings.max_waiting,
            settings.together,
            settings.wait_for_programs_s,
        )
        self.sessions = Sessions(self.repository, self.worker, self.store, settings.max_sessions)

    @property
    def ready(self) -> bool:
        """Whether programs are compiled and requests are carried out."""
        return self._ready

    def warm(self) -> None:
        """Compile what requests will need; then, while requests are answered, what many at a time need."""
        wanted = [
            (model, size)
            for model in self.repository.models()
            if model.service is not None
            for size in self.programs.sizes(model)
        ]
        for each in wanted:
            self.programs.make(*each)
        self._set_ready(True)
        self.programs.start()
        for each in wanted:
            self.programs.make_together(*each)
        gc.collect()
        release_unused_memory()
        gc.freeze()  # what is there now stays: looking through it again and again would make requests wait

    def close(self) -> None:
        """Finish what has begun, and let go."""
        self._set_ready(False)
        self.programs.close()
        self.worker.close()
        self.decider.close()
        self.store.close()

    def _set_ready(self, ready: bool) -> None:
        self._ready = ready
        if ready:
            self.sessions.warm.set()
        self.measures.ready.set(ready)
        LOG.info("ready" if ready else "stopping", models=[model.name for model in self.repository.models()])

    def _warm_later(self, model: Model) -> None:
        """A model that is loaded while others decide is warm before it does."""
        if self._ready and model.service is not None:
            for size in self.programs.sizes(model):
                self.programs.make(model, size)
                self.programs.make_together(model, size)


def application(server: Server) -> FastAPI:
    """The application of a server; it is warmed when the application starts.

    Args:
        server: it. The application closes it when it ends.
    """

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.get_running_loop().run_in_executor(None, server.warm)
        yield
        server.programs.stop()
        with contextlib.suppress(Exception):
            await warming
        await asyncio.get_running_loop().run_in_executor(None, server.close)

    app = FastAPI(title="Edgewise", version=__version__, summary="decisions of trained policies", lifespan=life)
    app.state.server = server
    add_errors(app)
    _add_routes(app, server)
    places = {address: place for each in _with_sessions(server) for address, place in session_places(*each).items()}
    app.add_middleware(Express, places=places, sessions=server.sessions)
    app.add_middleware(Gate, token=server.token, settings=server.settings)
    app.add_middleware(Watch, measures=server.measures)
    return app


def _add_routes(app: FastAPI, server: Server) -> None:
    """Addresses are looked through in their order: those of decisions come first."""
    for system, service in _with_sessions(server):
        app.include_router(session_routes(system, service, server.repository, server.sessions))
    app.include_router(health_routes(server))
    app.include_router(inference_routes(server))
    for system in registry.SYSTEMS.items():
        solving = system.solving()
        if solving is not None:
            app.include_router(solver_route(system, solving))

    @app.get("/metrics", tags=["health"], summary="figures for Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(server.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _with_sessions(server: Server) -> list[tuple[System, Service]]:
    models = server.repository.first_with_sessions()
    return [(each.system, each.service) for each in models if each.system is not None and each.service is not None]


def add_errors(app: FastAPI) -> None:
    """Let an application tell everything that a client can mend in one form; what he cannot, in the log alone."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _told(422, of_validation(list(error.errors())))

    @app.exception_handler(EdgewiseError)
    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: EdgewiseError | RefusedError) -> JSONResponse:
        return _told(*refusal_of(error))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(Refusal(error=str(error.detail)).model_dump(), error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        LOG.error("failed", path=request.url.path, exc_info=error)
        return _told(500, Refusal(error="the server has failed; its log tells why"))


def _told(status: int, refusal: Refusal) -> Any:
    return JSONResponse(refusal.model_dump(), status)
