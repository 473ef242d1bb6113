"""The same application as a deployment of Ray Serve: replicas on one machine or many, which share sessions in one database."""

from __future__ import annotations

import signal
import threading
from typing import Any

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.extras import missing
from edgewise.serving.settings import Settings

NAME = "edgewise"
"""Of the application in the cluster."""


def serve_on_ray(settings: Settings) -> None:
    """Serve on a Ray cluster until SIGTERM or Ctrl-C.

    Args:
        settings: how each replica runs; host and port are those of Ray's proxy.

    Raises:
        ConfigurationError: if the database is a file of SQLite and there are several replicas.
        EdgewiseError: if Ray Serve is not installed, or the replicas do not start.
    """
    if settings.replicas > 1 and settings.database.startswith("sqlite"):
        raise ConfigurationError("database", settings.database, "PostgreSQL, which several replicas can share")
    stopped = threading.Event()
    _connect(settings)
    for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set handlers of its own
        signal.signal(number, lambda *_: stopped.set())
    _deploy(settings)
    stopped.wait()
    stop()


def start(settings: Settings) -> None:
    """Start the replicas, and return when they are ready; see `serve_on_ray`."""
    _connect(settings)
    _deploy(settings)


def _connect(settings: Settings) -> None:
    ray, serve = _libraries()
    ray.init(address=settings.ray_address, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    serve.start(http_options={"host": settings.host, "port": settings.port}, proxy_location="HeadOnly")


def _deploy(settings: Settings) -> None:
    _, serve = _libraries()

    def build() -> Any:
        from edgewise.serving.application import Server, application

        server = Server(settings)
        server.warm()
        return application(server)

    class Replica:
        """A server."""

    # No processor is reserved, so that replicas fit on any machine; how many suit it is for the operator to say.
    options = {"num_replicas": settings.replicas, "health_check_period_s": 2, "ray_actor_options": {"num_cpus": 0}}
    deployment: Any = serve.deployment(name=NAME, **options)(serve.ingress(build)(Replica))
    try:
        serve.run(deployment.bind(), name=NAME, route_prefix="/", blocking=False)
    except Exception as error:
        raise EdgewiseError(f"Ray Serve: {error}") from None


def stop() -> None:
    """Take the application off the cluster, and let go of it."""
    ray, serve = _libraries()
    serve.shutdown()
    ray.shutdown()


def _libraries() -> tuple[Any, Any]:
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise missing(error.name or "ray", "ray", error) from None
    return ray, serve
