"""The first part of a step: the pictures of a study are packed, and it is registered.

A pure function, as decide.py.
"""

from __future__ import annotations

from dataclasses import replace

from coordinator.cluster.jobs import prepare_purpose
from coordinator.cluster.service.actions import DeleteJob, Prepare, Register
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.sighting import result_of

SPEECHLESS = (
    "the preparation ended well but did not say what it packed; is the image of PodTemplate "
    "`prepare` this project's? to pack again: make resume STUDY={name}"
)
VANISHED = (
    "the packed data set {store} is not on the volume `data`; is it the same volume for all pods? "
    "to pack it again: make resume STUDY={name}"
)


def prepare(seen: Seen) -> Decision:
    """Packs the pictures, then registers the study."""
    preparing, retry = Decision("preparing"), seen.request.retry
    job = seen.jobs.get("prepare")
    if job is None:
        return preparing.also(Prepare())
    if job.deleting:
        return replace(preparing, reason="the preparation before is being cleared away")
    if job.made_for != prepare_purpose(seen.config.data):
        return preparing.also(DeleteJob("prepare", job.uid, "it packs other data"))
    if job.outcome == "failed":
        if job.revision < retry:
            return preparing.also(DeleteJob("prepare", job.uid, "it is tried again"))
        said = seen.last_words("prepare") or job.message
        return Decision("failed", reason=f"the pictures cannot be packed: {said}")
    if job.outcome != "complete":
        return replace(preparing, reason=seen.waiting or seen.packing)
    pods = seen.pods_of("prepare")
    store = str(result_of(pods).get("store", ""))
    if store in seen.packed:
        return preparing.also(Register(store))
    kept = any(pod.phase == "Succeeded" for pod in pods)
    if not (store or kept) or job.revision < retry:
        return preparing.also(DeleteJob("prepare", job.uid, "its result is lost"))
    if not store:
        return Decision("failed", reason=SPEECHLESS.format(name=seen.name))
    return Decision("failed", reason=VANISHED.format(store=store[:12], name=seen.name))
