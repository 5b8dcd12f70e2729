"""Runs a study from its file, or goes on with one, to a promoted model.

Validates everything before anything starts. Every step may be repeated, so a coordinator killed on
the way is replaced by submitting or resuming again. Knows nothing of how the loop works (run.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from coordinator import worker_program
from coordinator.backends.backend import Backend
from coordinator.change import changed
from coordinator.interrupt import INTERRUPTS, exit_status
from coordinator.preparation import prepare, prepare_again
from coordinator.promote import promote
from coordinator.promoted import describe
from coordinator.reconcile import MAX_CRASHES, End
from coordinator.run import Run
from coordinator.site import Site
from coordinator.storage import storage
from coordinator.watch import view
from study import exit_codes, paths
from study.atomic import check_writable
from study.config.load import find_study, load_study
from study.embedded import EmbeddedPostgres
from study.errors import HpoError, StudyExists, UsageError
from study.registry import RegisteredStudy, Registry


def submit(
    site: Site, name_or_path: str, *, workers: int, overrides: Sequence[str], console: Console
) -> int:
    """Creates the study, or continues the one of that name, and runs it; gives the exit status.
    Raises UsageError before anything has started."""
    file = find_study(name_or_path)
    config = load_study(file, overrides)
    with storage() as (registry, server):
        registry.check(config)
        store = prepare(site.program, file, overrides, console)
        check_writable(paths.artifacts(config.name).root)
        study = registry.create(config, store=store, workers=workers)
        return _carry_out(site, registry, server, study, console)


def resume(
    site: Site, name: str, *, workers: int | None, overrides: Sequence[str], console: Console
) -> int:
    """Goes on with a study of the database; `overrides` may change its budget and resources."""
    with storage() as (registry, server):
        study = registry.find(name)
        config = changed(study.config, overrides)
        check_writable(paths.artifacts(name).root)
        if not paths.data().store(study.store).exists():
            store = prepare_again(site.program, config, console)
            if store != study.store:
                raise StudyExists(
                    f"the pictures of study {name!r} have changed: {study.store[:12]} when it was "
                    f"submitted, {store[:12]} now in {config.data.source}; put the old ones back, "
                    "or submit under another name with name=..."
                )
        registry.resume(config, workers=workers or study.workers)
        return _carry_out(site, registry, server, registry.find(name), console)


def _carry_out(
    site: Site,
    registry: Registry,
    server: EmbeddedPostgres | None,
    study: RegisteredStudy,
    console: Console,
) -> int:
    """Runs the study to its end and promotes its best trial."""
    backend = site.backend(registry, study)
    go_on = f"go on with: make resume STUDY={study.name}"
    with view(console) as shown:
        run = Run(registry=registry, server=server, study=study, backend=backend, view=shown)
        try:
            end = run.until_end()
        except INTERRUPTS as interrupt:
            if run.leads:
                shown.note("stopping: workers checkpoint and leave (Ctrl-C again kills them)")
                run.shut_down()
                shown.note(f"stopped; {go_on}")
            return exit_status(interrupt)
    if end.status == exit_codes.PREEMPTED:
        console.print(f"study {study.name} was stopped; {go_on}", highlight=False)
        return exit_codes.PREEMPTED
    if end.status != exit_codes.DONE:
        raise _reason(end, backend, study)
    backend.forget()
    version = promote(registry, study, site.program)
    shown_version = describe(paths.artifacts(study.name), version, study.config)
    console.print(shown_version, highlight=False, soft_wrap=True)
    return exit_codes.DONE


def _reason(end: End, backend: Backend, study: RegisteredStudy) -> HpoError:
    """Why the run ended, in the words of its worker."""
    assert end.index is not None
    said = worker_program.error_in("\n".join(backend.last_lines(end.index, 50)))
    log = paths.artifacts(study.name).worker_log(end.index)
    if end.status == exit_codes.USAGE:
        return UsageError(said)
    return HpoError(
        f"no worker is left: worker {end.index} ended {MAX_CRASHES} times in a row without an epoch"
        f" of progress, or its device is broken; it last said {said!r} (see {log}); "
        f"try again with: make resume STUDY={study.name}"
    )
