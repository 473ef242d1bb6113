"""Whether the server lives, and whether it is ready to decide."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from fastapi import APIRouter, Response
from pydantic import BaseModel


@runtime_checkable
class Deciding(Protocol):
    """What a server tells of itself."""

    @property
    def ready(self) -> bool:
        """Whether requests are carried out."""


class Live(BaseModel):
    """Whether the server answers."""

    live: bool


class Ready(BaseModel):
    """Whether the server decides."""

    ready: bool


def health_routes(server: Deciding) -> APIRouter:
    """The addresses of the Open Inference Protocol v2 for health."""
    router = APIRouter(prefix="/v2/health", tags=["health"])

    @router.get("/live", summary="whether the server answers")
    async def live() -> Live:
        return Live(live=True)

    @router.get("/ready", summary="whether all models are loaded and compiled", responses={503: {"model": Ready}})
    async def ready(response: Response) -> Ready:
        response.status_code = 200 if server.ready else 503
        return Ready(ready=server.ready)

    return router
