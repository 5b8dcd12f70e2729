"""What the study cost, and the list of all trials.

Knows nothing of how costs are added up.
"""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.report.contrasts import shown
from coordinator.report.cost import Cost
from coordinator.report.evidence import Evidence, Trial
from coordinator.report.markup import Section, details, facts, paragraph, table
from coordinator.watch import duration

FEW_TRIALS = 30  # listed without being asked


def costs(found: Cost) -> Section:
    """With how the estimate came about."""
    rows = {
        "device time": f"{found.device_seconds / 3600:.2f} device-hours",
        "time with a trial open": duration(found.busy_seconds),
        "epochs trained": f"{found.epochs:,}",
    }
    if found.trials_per_hour is not None:
        rows["trials ended in an hour"] = f"{found.trials_per_hour:.1f}"
    note = ""
    if found.saved_seconds is not None and found.saved_share is not None:
        rows["saved by pruning, estimated"] = (
            f"{found.saved_seconds / 3600:.2f} device-hours, {found.saved_share:.0%} of what the "
            "study would have taken"
        )
        note = (
            "Estimate: as if each trial that was cut short had lasted as many epochs as a complete "
            "one does on average, at its own time for an epoch."
        )
    return Section("cost", "Cost", facts(rows) + paragraph(note))


def trials(evidence: Evidence, names: Mapping[str, str]) -> Section:
    """All of them, by number."""
    used = [path for path in names if any(path in trial.parameters for trial in evidence.trials)]
    objectives = max((len(trial.values) for trial in evidence.trials), default=1) or 1
    values = ["value"] if objectives == 1 else [f"value {n + 1}" for n in range(objectives)]
    head = ["trial", "outcome", *values, "epochs", "device time"]
    rows = [_row(trial, used, objectives) for trial in evidence.trials]
    listed = table(
        "By number; an empty cell is a parameter that was not part of the trial",
        [*head, *(names[path] for path in used), "reason"],
        rows,
        numbers=(0, *range(2, len(head))),
    )
    count = len(rows)
    body = details(f"All {count:,} trials", listed, is_open=count <= FEW_TRIALS)
    return Section("trials", "Trials", body)


def _row(trial: Trial, used: list[str], objectives: int) -> list[str]:
    values = [f"{value:.4f}" for value in trial.values]
    return [
        str(trial.number),
        trial.outcome,
        *values,
        *[""] * (objectives - len(values)),
        str(trial.epochs),
        duration(trial.device_seconds) if trial.device_seconds else "",
        *(shown(trial.parameters[path]) if path in trial.parameters else "" for path in used),
        trial.reason,
    ]
