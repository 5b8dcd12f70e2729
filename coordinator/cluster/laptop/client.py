"""The desk of a cluster: requests are written here, and acted on by the coordinator in it.

Needs a kubeconfig with the right to edit the namespace, and nothing else: it never talks to the
database. Knows nothing of the command line. Each method imports what it does when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.laptop.asked import Asked, change, find_status, must_find, next_request
from coordinator.cluster.records import Order
from study import exit_codes, paths
from study.errors import HpoError, UsageError

PATIENCE = 5.0  # seconds a person waits for a cluster that does not answer


def cluster_desk(console: Console) -> ClusterDesk:
    """The desk of the cluster that the kubeconfig names."""
    return ClusterDesk(Api(connect(), patience=PATIENCE), console)


class ClusterDesk:
    """A `Desk`."""

    def __init__(self, api: Api, console: Console) -> None:
        self._api = api
        self._console = console

    def submit(self, study: str, *, workers: int, overrides: Sequence[str], follow: bool) -> int:
        """See Desk."""
        from coordinator.cluster.laptop.submission import submit

        return submit(
            self._api,
            study,
            workers=workers,
            overrides=overrides,
            stay=follow,
            console=self._console,
        )

    def resume(
        self, study: str, *, workers: int | None, overrides: Sequence[str], follow: bool
    ) -> int:
        """See Desk."""
        from coordinator.cluster.laptop.submission import resume

        return resume(
            self._api,
            study,
            workers=workers,
            overrides=overrides,
            stay=follow,
            console=self._console,
        )

    def train(self, study: str, *, trial: int | None, overrides: Sequence[str]) -> int:
        """See Desk."""
        from coordinator.cluster.laptop.submission import train

        return train(self._api, study, trial=trial, overrides=overrides, console=self._console)

    def plan(self, study: str, *, workers: int, overrides: Sequence[str], measure: bool) -> None:
        """See Desk."""
        from coordinator.cluster.laptop.plan import plan

        plan(
            self._api,
            study,
            workers=workers,
            overrides=overrides,
            measure=measure,
            console=self._console,
        )

    def prepare(self, study: str, *, overrides: Sequence[str]) -> None:  # noqa: ARG002
        """See Desk. In a cluster it is a part of `submit`."""
        raise UsageError(
            "in a cluster pictures are packed by a Job that submit starts; "
            f"to check a study without starting it: make plan STUDY={study}"
        )

    def status(self, study: str | None, *, follow: bool) -> int:
        """See Desk."""
        from coordinator.cluster.laptop import waits
        from coordinator.cluster.laptop.status import show_all, show_one

        if study is None:
            show_all(self._api, self._console)
        elif follow:
            revision = must_find(self._api, study).request.revision
            return waits.follow(self._api, study, revision, self._console)
        else:
            show_one(self._api, study, self._console)
        return exit_codes.DONE

    def logs(self, study: str, *, worker: int | None, follow: bool) -> None:
        """See Desk."""
        from coordinator.cluster.laptop import podlogs

        must_find(self._api, study)
        show = podlogs.follow if follow else podlogs.show
        show(self._api, study, worker, self._say)

    def scale(self, study: str, workers: int) -> None:
        """See Desk."""
        from coordinator.cluster.laptop.proposal import check_room
        from coordinator.cluster.laptop.waits import await_taken_up

        check_room(self._api, must_find(self._api, study).config(), workers)
        asked = self._change(study, workers=workers)
        status = await_taken_up(self._api, study, asked.request.revision)
        self._say(f"study {study}: {workers} workers wanted; {status.reason or status.phase}")

    def stop(self, study: str) -> None:
        """See Desk."""
        from coordinator.cluster.laptop.waits import await_stopped

        asked = self._change(study, stopped=True)
        alive = await_stopped(self._api, study, asked.request.revision)
        if alive:
            self._say(f"study {study} is stopped; pods {', '.join(alive)} have yet to leave")
        else:
            self._say(f"study {study} is stopped; go on with: make resume STUDY={study}")

    def shutdown(self) -> None:
        """See Desk."""
        raise UsageError(
            "shutdown is for this machine's own studies and database: "
            "hpo shutdown --backend local; a cluster's: make stop STUDY=..., make undeploy"
        )

    def best(self, study: str, *, write: Path | None, force: bool) -> None:
        """See Desk."""
        from coordinator.cluster.laptop.shown import best_of, show_best

        asked = must_find(self._api, study)
        status = find_status(self._api, study)
        winner = best_of(asked, status)
        show_best(winner, status, self._console)
        if write is not None:
            winner.write(write, force=force)
            self._say(f"written: {write}; train it again: make train STUDY={write}")

    def promote(self, study: str, *, trial: int | None) -> None:
        """See Desk."""
        self._order(study, Order(verb="promote", trial=trial))

    def rollback(self, study: str) -> None:
        """See Desk."""
        self._order(study, Order(verb="rollback"))

    def dashboard(self, study: str | None, *, host: str, port: int, writable: bool) -> None:
        """See Desk."""
        from coordinator.cluster.laptop.forward import forward

        if writable:
            raise UsageError("--writable: the cluster's dashboard is read-only")
        if study is not None:
            must_find(self._api, study)
        with suppress(KeyboardInterrupt):
            forward(self._api, host=host, port=port, say=self._say)

    def report(self, study: str, *, printed: bool, output: Path | None) -> None:
        """See Desk."""
        from coordinator.cluster.kubectl import in_coordinator, stream
        from study.atomic import replacing

        must_find(self._api, study)
        call = in_coordinator(self._api, "report", study, "--print", "--backend", "local")
        if printed:
            stream(call, sys.stdout.buffer.write)
            return
        target = output or paths.artifacts(study).report
        with replacing(target) as file:
            stream(call, file.write)
        self._say(str(target))

    def _change(self, study: str, **changes: object) -> Asked:
        """Writes the request again with these changes."""
        return change(
            self._api,
            study,
            lambda asked: Asked(next_request(asked.request, **changes), asked.configuration),
        )

    def _order(self, study: str, order: Order) -> None:
        from coordinator.cluster.laptop.waits import await_answer

        asked = self._change(study, order=order)
        answer = await_answer(self._api, study, asked.request.revision)
        if answer.error:
            raise HpoError(answer.error)
        self._say(answer.text)

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)
