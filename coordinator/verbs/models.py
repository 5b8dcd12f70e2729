"""The verbs for promoted models.

What each does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from coordinator.verbs.arguments import Name, console


def promote(
    study: Name,
    trial: Annotated[int | None, typer.Option(help="this one, instead of the best")] = None,
) -> None:
    """Measure the best trials again and promote the winner."""
    from coordinator.promote import promote as verb
    from coordinator.promoted import describe
    from coordinator.site import local_site
    from coordinator.storage import storage
    from study import paths

    with storage() as (registry, _):
        found = registry.find(study)
        version = verb(registry, found, local_site().program, trial=trial, reuse=True)
        place = paths.artifacts(study)
        console.print(describe(place, version, found.config.search.metric), soft_wrap=True)


def rollback(study: Name) -> None:
    """Go back to the version promoted before."""
    from coordinator.promoted import rollback as verb
    from study import paths

    manifest = verb(paths.artifacts(study))
    console.print(f"latest is version {manifest.version} again (trial {manifest.trial})")
