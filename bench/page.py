"""bench/results.md: a pure function of what bench/results.json says.

Knows nothing of how anything is measured.
"""

from __future__ import annotations

from typing import Any

from bench.section import Section

HEADING = """\
# Results

Written by `{command}`, which measures all of it again; with `ARGS="--only {part}"` a part. Ratios
count: what is compared took turns in one run, so what else the machine did met all of it. Values
are medians, in parentheses the lowest and the highest round; every round is in [{data}]({data}).
What other commands measured is in [docs/measurements.md](../docs/measurements.md).
"""


def render(results: dict[str, Any], *, command: str, data: str) -> str:
    """results: by the name of a part, as bench/suite.py writes them. data: the file they are in."""
    parts = [HEADING.format(command=command, data=data, part=next(iter(results)))]
    parts += [f"{sentence(machine)}\n" for machine in _machines(results)]
    for name, result in results.items():
        parts.append(Section.from_plain(result["section"]).markdown())
        parts.append(_circumstances(name, result))
    return "\n".join(parts)


def sentence(machine: dict[str, Any]) -> str:
    """A machine (bench/machine.py) for people."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, "
        f"{machine['gpu'] or 'no GPU'}; Python {machine['python']}, {packages}."
    )


def _machines(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Each once; as a rule one."""
    found: list[dict[str, Any]] = []
    for result in results.values():
        if result["machine"] not in found:
            found.append(result["machine"])
    return found


def _circumstances(name: str, result: dict[str, Any]) -> str:
    busy = result["others"]
    return (
        f"`{name}`: {result['date']}, commit {result['commit']}, {result['seconds']:.0f} s; "
        f"before it {busy:.1f} other processes wanted the {result['machine']['cores']} cores.\n"
    )
