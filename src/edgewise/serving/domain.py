"""The addresses at which systems are asked in their own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from edgewise.environments.service import Operation, Service, Solving
from edgewise.environments.system import System
from edgewise.serving.express import JSON, LONGEST_KEY, Place, response
from edgewise.serving.refusals import Refusal
from edgewise.serving.repository import Repository
from edgewise.serving.requests import Asked, Decided, Told
from edgewise.serving.sessions import Sessions

SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY)]
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": words}
    for status, words in {
        404: "there is no such session",
        409: "the session is taken, or was changed by another server",
        422: "a field has a value that is not allowed",
        429: "too much is asked of the server",
        401: "the token is missing or wrong",
        503: "the server is not ready, or is stopping",
    }.items()
}


def session_routes(system: System, service: Service, repository: Repository, sessions: Sessions) -> APIRouter:
    """The addresses of a system with sessions.

    Args:
        system: it.
        service: any of it, which tells the operations.
        repository: the models.
        sessions: where it happens.
    """
    router = APIRouter(prefix=_prefix(system, service), tags=[system.name], responses=REFUSALS)
    _add_opening(router, system, service.opening, repository, sessions)
    for word, operation in service.operations.items():
        _add_operation(router, system, word, operation, sessions)

    @router.get("/{session}", summary="what can be shown of a session")
    async def view(session: str) -> dict[str, Any]:
        return await sessions.view(system.name, session)

    @router.delete("/{session}", status_code=204, summary="close a session; its decisions are kept")
    async def remove(http: Request, session: str) -> Response:
        return response(await sessions.remove(system.name, session, await _asked(http, None)))

    return router


def session_places(system: System, service: Service) -> dict[tuple[str, str], Place]:
    """The addresses of the operations of a system, for the short way."""
    start = _prefix(system, service)
    return {
        (start, word): Place(system.name, word, operation.request, f"{start}/{{session}}/{word}")
        for word, operation in service.operations.items()
    }


def _prefix(system: System, service: Service) -> str:
    return f"/v1/{system.name}/{service.collection}"


def solver_route(system: System, solving: Solving) -> APIRouter:
    """The address of a system that a solver answers."""
    router = APIRouter(prefix=f"/v1/{system.name}", tags=[system.name], responses=REFUSALS)

    def solve(request: Any) -> Response:
        return Response(solving.solve(request).model_dump_json(), media_type=JSON)

    _typed(solve, request=solving.request)
    router.post("/solve", response_model=solving.answer, summary=solving.summary)(solve)
    return router


def _add_opening(
    router: APIRouter, system: System, opening: Operation, repository: Repository, sessions: Sessions
) -> None:
    async def open_session(
        http: Request,
        request: Any,
        model: Annotated[str | None, Query(description="that decides; the first of the system if left out")] = None,
        session: Annotated[SessionName | None, Query(description="its name; chosen by the server if left out")] = None,
        key: Key = None,
    ) -> Response:
        chosen = repository.of_system(system.name) if model is None else repository.find(model)
        return response(await sessions.open(chosen, session, request, await _asked(http, key)))

    _typed(open_session, request=opening.request)
    told: Any = Told[opening.answer]  # type: ignore[name-defined]
    router.post("", status_code=201, response_model=told, summary=opening.summary)(open_session)


def _add_operation(router: APIRouter, system: System, word: str, operation: Operation, sessions: Sessions) -> None:
    async def ask(http: Request, session: str, request: Any, key: Key = None) -> Response:
        asked = await _asked(http, key)
        return response(await sessions.apply(system.name, session, word, request, asked))

    _typed(ask, request=operation.request)
    kind: Any = Decided if operation.decides else Told
    router.add_api_route(
        f"/{{session}}/{word}",
        ask,
        methods=["POST"],
        response_model=kind[operation.answer],
        summary=operation.summary,
    )


def _typed(function: Callable[..., Any], **types: type[BaseModel]) -> None:
    """Tell FastAPI the types that are known only now."""
    function.__annotations__.update(types)


async def _asked(http: Request, key: str | None) -> Asked:
    return Asked(http.state.request_id, http.url.path, await http.body(), key)
