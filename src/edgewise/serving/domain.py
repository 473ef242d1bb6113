"""The addresses at which systems are asked in their own words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, StringConstraints, ValidationError

from edgewise.environments.service import Operation, Service, Solving
from edgewise.environments.system import System
from edgewise.serving.refusals import Refusal
from edgewise.serving.repository import Repository
from edgewise.serving.requests import Asked, Decided, Reply, Told
from edgewise.serving.sessions import Sessions

SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
JSON = "application/json"
LONGEST_KEY = 128
"""Characters of an idempotency key."""
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
    router = APIRouter(prefix=f"/v1/{system.name}/{service.collection}", tags=[system.name], responses=REFUSALS)
    _add_opening(router, system, service.opening, repository, sessions)
    for word, operation in service.operations.items():
        _add_operation(router, system, word, operation, sessions)

    @router.get("/{session}", summary="what can be shown of a session")
    async def view(session: str) -> dict[str, Any]:
        return await sessions.view(system.name, session)

    @router.delete("/{session}", status_code=204, summary="close a session; its decisions are kept")
    async def remove(http: Request, session: str) -> Response:
        return _response(await sessions.remove(system.name, session, await _asked(http, None)))

    return router


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
        return _response(await sessions.open(chosen, session, request, await _asked(http, key)))

    _typed(open_session, request=opening.request)
    told: Any = Told[opening.answer]  # type: ignore[name-defined]
    router.post("", status_code=201, response_model=told, summary=opening.summary)(open_session)


def _add_operation(router: APIRouter, system: System, word: str, operation: Operation, sessions: Sessions) -> None:
    async def ask(http: Request, session: str, request: Any, key: Key = None) -> Response:
        asked = await _asked(http, key)
        return _response(await sessions.apply(system.name, session, word, request, asked))

    _typed(ask, request=operation.request)
    kind: Any = Decided if operation.decides else Told
    router.add_api_route(
        f"/{{session}}/{word}",
        ask,
        methods=["POST"],
        response_model=kind[operation.answer],
        summary=operation.summary,
        route_class_override=Direct,
    )


class Direct(APIRoute):
    """A route whose body is read straight into its model; whatever is unusual about a request is left to FastAPI.

    FastAPI reads JSON into dictionaries, solves dependencies and validates: a third of the time that a decision takes.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        usual, ask = super().get_route_handler(), self.endpoint
        model: type[BaseModel] = ask.__annotations__["request"]

        async def answer(http: Request) -> Response:
            key = http.headers.get("idempotency-key")
            if http.headers.get("content-type") != JSON or not (key is None or 0 < len(key) <= LONGEST_KEY):
                return await usual(http)
            try:
                request = model.model_validate_json(await http.body())
            except ValidationError:
                return await usual(http)
            told: Response = await ask(http, http.path_params["session"], request, key)
            return told

        return answer


def _typed(function: Callable[..., Any], **types: type[BaseModel]) -> None:
    """Tell FastAPI the types that are known only now."""
    function.__annotations__.update(types)


async def _asked(http: Request, key: str | None) -> Asked:
    return Asked(http.state.request_id, http.url.path, await http.body(), key)


def _response(reply: Reply) -> Response:
    headers = {"Idempotency-Replayed": "true"} if reply.repeated else {}
    return Response(reply.body, reply.status, headers, media_type=JSON)
