"""What a Job makes of its pods: which rule of its podFailurePolicy a failed one meets, and what the
API server refuses of a change. Pure functions.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.cluster.fake.store import ApiError, Object

INDEX = "batch.kubernetes.io/job-completion-index"


def failure_action(job: Object, pod: Object) -> tuple[str, int | None]:
    """The action of the first rule that a failed pod meets, and its place; else Count."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules", [])
    for number, rule in enumerate(rules):
        if _meets(rule, pod):
            return rule["action"], number
    return "Count", None


def exit_code(pod: Object) -> int | None:
    """Of its first container that has ended."""
    for status in pod.get("status", {}).get("containerStatuses", []):
        if "terminated" in status["state"]:
            return int(status["state"]["terminated"]["exitCode"])
    return None


def index_of(pod: Object) -> int:
    """Its completion index."""
    return int(pod["metadata"]["annotations"][INDEX])


def intervals(numbers: Iterable[int]) -> str:
    """As status.completedIndexes has it: `0,2-4`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def check_new_job(job: Object) -> None:
    """Raises ApiError 422."""
    spec = job["spec"]
    if spec["template"]["spec"].get("restartPolicy") not in ("Never", "OnFailure"):
        raise _invalid(job, "spec.template.spec.restartPolicy: Required value")
    if "podFailurePolicy" in spec and spec["template"]["spec"]["restartPolicy"] != "Never":
        raise _invalid(job, "spec.podFailurePolicy: only with restartPolicy Never")
    if "backoffLimitPerIndex" in spec and spec.get("completionMode") != "Indexed":
        raise _invalid(job, "spec.backoffLimitPerIndex: requires indexed completion mode")
    names = {container["name"] for container in spec["template"]["spec"]["containers"]}
    for rule in (spec.get("podFailurePolicy") or {}).get("rules", []):
        codes = rule.get("onExitCodes") or {}
        if codes.get("containerName", next(iter(names))) not in names:
            raise _invalid(job, "spec.podFailurePolicy.rules: no container of that name")
        if 0 in codes.get("values", []) and codes.get("operator") == "In":
            raise _invalid(job, "spec.podFailurePolicy.rules: must not be 0 for the In operator")


def check_changed_job(old: Object, new: Object) -> None:
    """Raises ApiError 422: most of a Job cannot be changed."""
    before, after = old["spec"], new["spec"]
    for field in ("template", "selector", "completionMode", "podFailurePolicy"):
        if before.get(field) != after.get(field):
            raise _invalid(new, f"spec.{field}: field is immutable")
    completions = after.get("completions")
    if before.get("completions") != completions and not (
        after.get("completionMode") == "Indexed" and completions == after.get("parallelism")
    ):
        raise _invalid(new, f"spec.completions: Invalid value: {completions}: field is immutable")


def _meets(rule: dict[str, Any], pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    for pattern in rule.get("onPodConditions", []):
        for condition in conditions:
            if (condition["type"], condition["status"]) == (
                pattern["type"],
                pattern.get("status", "True"),
            ):
                return True
    if "onExitCodes" in rule:
        code, wanted = exit_code(pod), rule["onExitCodes"]
        if code in (None, 0):
            return False
        return bool((code in wanted["values"]) == (wanted["operator"] == "In"))
    return False


def _invalid(job: Object, text: str) -> ApiError:
    name = job["metadata"].get("name", "")
    return ApiError(422, "Invalid", f'Job.batch "{name}" is invalid: {text}')
