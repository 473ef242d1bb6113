"""The server as an application of FastAPI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from edgewise import __version__
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.environments import registry
from edgewise.serving.decide import Decider
from edgewise.serving.domain import session_routes, solver_route
from edgewise.serving.health import health_routes
from edgewise.serving.inference import inference_routes
from edgewise.serving.models import Model, find_sources
from edgewise.serving.refusals import Refusal, RefusedError, of_configuration, of_validation
from edgewise.serving.repository import Repository
from edgewise.serving.sessions import Sessions
from edgewise.serving.settings import Settings
from edgewise.serving.store import Store


class Server:
    """What a server is made of.

    Args:
        settings: how it runs.

    Raises:
        EdgewiseError: if a model or the database cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.repository = Repository(find_sources(settings.models))
        for name in self.repository.sources:
            self.repository.load(name)
        self.store = Store(settings.database)
        self.decider = Decider(settings.deadline_ms / 1000)
        self.sessions = Sessions(self.repository, self.decider, self.store, settings.max_sessions)
        self.ready = False

    def warm(self) -> None:
        """Compile what requests will need."""
        for model in self.repository.models():
            warm(model)
        self.ready = True

    def close(self) -> None:
        """Finish what has begun, and let go."""
        self.ready = False
        self.sessions.close()
        self.decider.close()
        self.store.close()


def warm(model: Model) -> None:
    """Ask a model the questions that its service expects."""
    if model.service is not None:
        for question in model.service.samples():
            model.service.answer(question, model.artefact.act(question.observation))


def application(server: Server) -> FastAPI:
    """The application of a server; it is warmed when the application starts.

    Args:
        server: it. The application closes it when it ends.
    """

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.get_running_loop().run_in_executor(None, server.warm)
        yield
        await warming
        await asyncio.get_running_loop().run_in_executor(None, server.close)

    app = FastAPI(title="Edgewise", version=__version__, summary="decisions of trained policies", lifespan=life)
    app.state.server = server
    _add_errors(app)
    app.include_router(health_routes(server))
    app.include_router(inference_routes(server, warm))
    services = {model.system.name: model for model in reversed(server.repository.models()) if model.system is not None}
    for model in services.values():
        if model.system is not None and model.service is not None:
            app.include_router(session_routes(model.system, model.service, server.repository, server.sessions))
    for system in registry.SYSTEMS.items():
        solving = system.solving()
        if solving is not None:
            app.include_router(solver_route(system, solving))
    return app


def _add_errors(app: FastAPI) -> None:
    """Everything that a client can mend is told in one form."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _told(422, of_validation(list(error.errors())))

    @app.exception_handler(ConfigurationError)
    async def not_allowed(request: Request, error: ConfigurationError) -> JSONResponse:
        return _told(422, of_configuration(error))

    @app.exception_handler(EdgewiseError)
    async def failed(request: Request, error: EdgewiseError) -> JSONResponse:
        return _told(422, Refusal(error=str(error)))

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> JSONResponse:
        return _told(error.status, error.refusal)


def _told(status: int, refusal: Refusal) -> Any:
    return JSONResponse(refusal.model_dump(), status)
