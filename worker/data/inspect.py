"""`hpo data inspect`: surveys a study's packed pictures and writes what it found beside figures.

Knows nothing of the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from study import atomic
from study.config.data import DataConfig
from worker.data.headers import read_headers
from worker.data.source import open_source
from worker.data.store import Store
from worker.data.survey import Survey, survey
from worker.data.survey_figures import draw_counts, draw_duplicates, draw_sizes

RESULT = "inspect.json"
COUNTS, SIZES, DUPLICATES = "counts.png", "sizes.png", "duplicates.png"


def inspect(
    store: Store,
    config: DataConfig,
    output: Path,
    *,
    threads: int,
    advance: Callable[[int], None],
    features: NDArray[np.float32] | None = None,
) -> Survey:
    """Surveys the store and the files it came from; writes inspect.json and three figures.

    advance: called with each number of files read. features: (N, D) float32 of the store's rows,
    from a network. Raises DataError where the source is gone, OSError.
    """
    manifest = store.manifest
    names = [*manifest.names, *(file.name for file in manifest.quarantined)]
    with closing(open_source(manifest.source)) as source:
        headers = read_headers(source, names, threads, advance)
    found = survey(store, config, headers, features)
    atomic.write_json(output / RESULT, found.model_dump(mode="json"))
    draw_counts(found, output / COUNTS)
    draw_sizes(headers, config.image_size, output / SIZES)
    draw_duplicates(found, store, output / DUPLICATES)
    return found
