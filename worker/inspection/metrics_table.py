"""What an evaluation found, as a table for a terminal. Knows nothing of how it was found."""

from __future__ import annotations

from typing import Any

from rich.table import Table

WORST = 5  # classes named


def metrics_table(result: dict[str, Any]) -> Table:
    """result: as worker.inspection.evaluate.write_result gives it."""
    title = (
        f"{result['study']} version {result['version']} (trial {result['trial']}), "
        f"{result['pictures']} pictures, {result['data']}"
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, value in result["metrics"].items():
        table.add_row(name, f"{value:.4f}", "")
    few = ", ".join(result["low_support"])
    table.add_row("few pictures", str(len(result["low_support"])), few)
    per_class = result["per_class"]
    shown = [name for name in per_class if per_class[name]["support"]]
    for name in sorted(shown, key=lambda name: per_class[name]["f1"])[:WORST]:
        scores = per_class[name]
        told = f"precision {scores['precision']:.4f}, recall {scores['recall']:.4f}"
        table.add_row(f"f1 of {name}", f"{scores['f1']:.4f}", told)
    table.add_row("unlike training", f"{100 * result['unlike']:.1f} %", "")
    table.add_row("pictures a second", f"{result['pictures_per_second']:,.0f}", "")
    return table
