"""A study as one HTML page that needs no network: summary, promotion, figures, and every trial.

Knows nothing of how figures are drawn (figures.py).
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

import optuna

from coordinator.figures import figures, script
from coordinator.promoted import in_use, metrics
from coordinator.watch import duration
from study import atomic, paths
from study.config.dump import dump
from study.errors import CheckpointCorrupt
from study.progress import Progress, observe
from study.promotion import read_promoted
from study.registry import RegisteredStudy, Registry

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$name</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem;
       color: #1c2530; background: #fff }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #dde3ea }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #eef1f5;
         vertical-align: top }
.wide { overflow-x: auto; font-size: 13px } .missing { color: #68778a }
pre { background: #f5f7f9; padding: 1rem; overflow-x: auto; font-size: 13px }
</style><script>$script</script></head><body>
<h1>$name</h1>
<h2>Summary</h2>$summary
<h2>Promoted</h2>$promoted
$figures
<h2>Trials</h2><div class="wide">$trials</div>
<h2>Configuration</h2><pre>$config</pre>
</body></html>
""")


def write_report(registry: Registry, study: RegisteredStudy) -> Path:
    """Writes the page of a study beside its trials; gives the file."""
    target = paths.artifacts(study.name).report
    atomic.write_text(target, report_page(registry, study))
    return target


def report_page(registry: Registry, study: RegisteredStudy) -> str:
    """The page of a study, whatever it has come to."""
    progress = observe(registry, study)
    optuna_study = registry.optuna_study(study)
    drawn = figures(optuna_study, study.config.search.metric)
    return PAGE.substitute(
        name=html.escape(study.name),
        script=script(),
        summary=_table(_summary(progress)),
        promoted=_promoted(study),
        figures="\n".join(
            f'<h2>{figure.title}</h2><div class="wide">{figure.html}</div>' for figure in drawn
        ),
        trials=_trials(optuna_study.get_trials(deepcopy=False)),
        config=html.escape(dump(study.config)),
    )


def _summary(progress: Progress) -> dict[str, str]:
    search = progress.study.config.search
    rows = {
        "objective": f"{search.direction} {search.metric} on the validation split",
        "trials": f"{progress.ended} of {progress.budget.trials} ended",
        **{outcome: str(count) for outcome, count in sorted(progress.outcomes.items())},
        "running": str(len(progress.running)),
        "device time": duration(progress.budget.device_spent),
        "data set": progress.study.store[:12],
    }
    if progress.best is not None:
        rows["best"] = f"{progress.best.value:.4f} (trial {progress.best.number})"
    return rows


def _promoted(study: RegisteredStudy) -> str:
    place = paths.artifacts(study.name)
    version = in_use(place)
    if version is None:
        return '<p class="missing">nothing yet</p>'
    try:
        manifest = read_promoted(place.version(version))
        measured = metrics(place.version(version))
    except (CheckpointCorrupt, OSError, ValueError) as error:
        return f'<p class="missing">{html.escape(str(error))}</p>'
    return _table(
        {
            "version": f"{version}, {manifest.created}",
            "trial": str(manifest.trial),
            **{
                f"validation, trial {number}": _numbers(values)
                for number, values in measured["validation"].items()
            },
            "held-out test": _numbers(measured["test"]) if measured["test"] else "no test split",
        }
    )


def _numbers(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


def _table(rows: Mapping[str, str]) -> str:
    cells = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


def _trials(trials: Iterable[optuna.trial.FrozenTrial]) -> str:
    head = ("trial", "outcome", "value", "epochs", "time", "parameters", "reason")
    rows = [_cells(head, "th"), *(_cells(_trial(trial), "td") for trial in trials)]
    return f"<table>{''.join(rows)}</table>"


def _trial(trial: optuna.trial.FrozenTrial) -> tuple[str, ...]:
    ended = trial.state.is_finished() and trial.values
    return (
        str(trial.number),
        str(trial.user_attrs.get("outcome", trial.state.name.lower())),
        f"{trial.values[0]:.4f}" if ended and trial.values else "",
        str(len(trial.intermediate_values)),
        duration(trial.duration.total_seconds()) if trial.duration else "",
        ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items()),
        str(trial.user_attrs.get("reason", "")),
    )


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _cells(values: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(value)}</{tag}>' for value in values)}</tr>"
