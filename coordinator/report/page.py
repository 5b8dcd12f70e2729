"""A study as one HTML page that needs no network, whatever the study has come to.

Brings the parts together: evidence.py reads, effects.py, importance.py and cost.py conclude, the
rest says and draws. Knows nothing of how any of them does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # it ships no types

from coordinator.report.charts import charts
from coordinator.report.contrasts import shown
from coordinator.report.cost import cost
from coordinator.report.evidence import Evidence, gather
from coordinator.report.helped import helped, important
from coordinator.report.importance import importances
from coordinator.report.markup import Section, code, details, facts, missing, section
from coordinator.report.opening import cards, promoted
from coordinator.report.pareto import compromises
from coordinator.report.recognised import classes, mistakes
from coordinator.report.result import kept
from coordinator.report.sentences import short_names
from coordinator.report.spent import costs, trials
from coordinator.winner import Winner
from study import atomic, paths
from study.config.dump import dump
from study.registry import RegisteredStudy, Registry


def write_report(registry: Registry, study: RegisteredStudy, target: Path | None = None) -> Path:
    """Writes the page, beside the study's trials where no other place is named; gives the file."""
    target = target or paths.artifacts(study.name).report
    atomic.write_text(target, report_page(registry, study))
    return target


def report_page(registry: Registry, study: RegisteredStudy) -> str:
    """The page, about 5 MB, of which plotly.js is 4.8."""
    optuna_study = registry.optuna_study(study)
    evidence = gather(registry, study, optuna_study)
    shares = importances(optuna_study, sign=study.config.search.sign)
    parts = [part for part in _sections(evidence, shares) if part.body]
    search = study.config.search
    return _template("page.html").substitute(
        name=escape(study.name),
        said=escape(
            f"{search.direction} {search.metric} on the validation split; data set "
            f"{study.store[:12]}; written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        ),
        cards=cards(evidence),
        contents="".join(f'<a href="#{part.anchor}">{escape(part.title)}</a>' for part in parts),
        sections="".join(map(section, parts)),
        style=_text("page.css"),
        plotly=get_plotlyjs(),
        script=_text("page.js"),
    )


def _sections(evidence: Evidence, shares: Mapping[str, float]) -> list[Section]:
    study, best = evidence.study, evidence.best
    names = short_names(list(study.config.space))
    left = None if best is None else kept(paths.artifacts(study.name).trial(best.number))
    return [
        promoted(study),
        compromises(evidence, names),
        helped(evidence, names),
        *charts(evidence, names),
        important(shares, names),
        _best_configuration(evidence),
        classes(left),
        mistakes(left),
        costs(cost(evidence.trials)),
        trials(evidence, names),
        Section(
            "configuration",
            "Configuration of the study",
            details("As YAML, with every default", code(dump(study.config))),
        ),
    ]


def _best_configuration(evidence: Evidence) -> Section:
    title, best = "Best configuration", evidence.best
    if best is None:
        return Section("best", title, missing("no trial is complete yet"))
    winner = Winner(
        config=evidence.study.config,
        number=best.number,
        value=best.values[0],
        parameters=best.parameters,
        of=evidence.progress.ended,
    )
    found = facts({path: shown(value) for path, value in best.parameters.items()})
    whole = details("As YAML, ready to be trained again", code(winner.text(evidence.study.name)))
    return Section("best", title, found + whole)


def _template(name: str) -> Template:
    return Template(_text(name))


def _text(name: str) -> str:
    return files("coordinator.report").joinpath(name).read_text()
