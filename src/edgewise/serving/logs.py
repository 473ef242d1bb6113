"""The log: a line of JSON for each event on standard error, with the id of the request that it belongs to."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LOG: Any = structlog.get_logger("edgewise")


def set_up(level: str) -> None:
    """Write events from a level on.

    Args:
        level: "debug", "info", "warning" or "error".
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
