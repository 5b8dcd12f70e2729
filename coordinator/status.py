"""How studies are getting on, and what the best trial is, for a person.

Knows nothing of how they are run.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from coordinator.promoted import describe, in_use
from coordinator.site import Site
from coordinator.snapshot import snapshot
from coordinator.watch import NO_STUDIES, summary, view, workers_table
from coordinator.winner import Winner
from study import paths
from study.errors import HpoError
from study.pareto import front
from study.progress import observe, ranking
from study.registry import RegisteredStudy, Registry


def show_all(registry: Registry, console: Console) -> None:
    """Every study of the database in a table."""
    names = registry.names()
    if not names:
        console.print(NO_STUDIES)
        return
    table = Table("study", "state", "trials", "running", "best", "promoted")
    for name in names:
        progress = observe(registry, registry.find(name))
        shown = snapshot(progress)
        version = in_use(paths.artifacts(name))
        table.add_row(
            name,
            shown.state,
            f"{progress.ended}/{progress.budget.trials}",
            str(len(shown.trained)),
            "" if progress.best is None else f"{progress.best.values[0]:.4f}",
            "" if version is None else str(version),
        )
    console.print(table)


def show_one(site: Site, registry: Registry, study: RegisteredStudy, console: Console) -> None:
    """One study, its workers, and what is promoted."""
    workers = site.backend(registry, study).observe()
    shown = snapshot(observe(registry, study), workers)
    console.print(f"{summary(shown)} | {shown.state}", soft_wrap=True)
    if workers:
        console.print(workers_table(shown))
    place = paths.artifacts(study.name)
    version = in_use(place)
    if version is not None:
        console.print(describe(place, version, study.config), soft_wrap=True)


def follow_one(
    site: Site,
    registry: Registry,
    study: RegisteredStudy,
    console: Console,
    pause: Callable[[], None],
) -> None:
    """The same again after every `pause`, until the study is done or stopped."""
    backend = site.backend(registry, study)
    with view(console) as shown:
        while True:
            found = snapshot(observe(registry, registry.find(study.name)), backend.observe())
            shown.show(found)
            if found.state != "open":
                return
            pause()


def show_best(registry: Registry, study: RegisteredStudy, console: Console) -> None:
    """The best trial's value, parameters and files. Raises HpoError where none is complete."""
    progress = observe(registry, study)
    best = progress.best
    if best is None:
        raise HpoError(f"no trial of study {study.name!r} is complete yet")
    place = paths.artifacts(study.name)
    folds = study.config.folds
    mean = f" (mean of {folds} folds)" if folds > 1 else ""
    lines = [
        f"trial {best.number}: validation {study.config.search.metric} {best.values[0]:.4f}{mean}",
        *(f"  {name} = {value}" for name, value in best.params.items()),
        f"  {place.trial(best.number)}",
    ]
    version = in_use(place)
    if version is not None:
        lines.append(describe(place, version, study.config))
    console.print("\n".join(lines), soft_wrap=True)
    if study.config.search.second:
        console.print(_pareto_table(registry, study, best.number))


def _pareto_table(registry: Registry, study: RegisteredStudy, promoted: int) -> Table:
    """The trials that nobody can do without, and which of them promotion takes."""
    search = study.config.search
    measured = "parameters" if search.second == "parameters" else "latency, ms"
    table = Table("trial", search.metric, measured, "", title="Pareto front")
    rule = f"lowest {search.second} within {search.tolerance:g} of the best {search.metric}"
    for trial in front(ranking(registry, study), search):
        value, second = trial.values
        shown = f"{second:,.0f}" if search.second == "parameters" else f"{second:.3f}"
        note = f"promoted: {rule}" if trial.number == promoted else ""
        table.add_row(str(trial.number), f"{value:.4f}", shown, note)
    return table


def best_of(registry: Registry, study: RegisteredStudy) -> Winner:
    """The best trial. Raises HpoError where none is complete."""
    progress = observe(registry, study)
    if progress.best is None:
        raise HpoError(f"no trial of study {study.name!r} is complete yet")
    return Winner(
        config=study.config,
        number=progress.best.number,
        value=progress.best.values[0],
        parameters=dict(progress.best.params),
        of=progress.ended,
    )


def is_done(registry: Registry, study: RegisteredStudy) -> bool:
    """Whether nothing is left to do for it."""
    return observe(registry, study).done
