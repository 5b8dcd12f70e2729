"""The desk of this machine: this process is the coordinator, and the registry and the files are
here. A site (site.py) says where its workers run.

Knows nothing of the command line. Each method imports what it does when it is called.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from coordinator.site import Site
from study import exit_codes, paths

PERIOD = 1.0  # seconds between two looks of `status --follow`


class MachineDesk:
    """A `Desk`."""

    def __init__(self, site: Site, console: Console) -> None:
        self._site = site
        self._console = console

    def submit(
        self,
        study: str,
        *,
        workers: int,
        overrides: Sequence[str],
        follow: bool,  # noqa: ARG002 - the study runs as long as we do, so we always stay
    ) -> int:
        """See Desk."""
        from coordinator.submit import submit

        return submit(
            self._site, study, workers=workers, overrides=overrides, console=self._console
        )

    def resume(
        self,
        study: str,
        *,
        workers: int | None,
        overrides: Sequence[str],
        follow: bool,  # noqa: ARG002 - as for submit
    ) -> int:
        """See Desk."""
        from coordinator.submit import resume

        return resume(
            self._site, study, workers=workers, overrides=overrides, console=self._console
        )

    def train(self, study: str, *, trial: int | None, overrides: Sequence[str]) -> int:
        """See Desk."""
        from coordinator.train import train

        return train(self._site, study, trial=trial, overrides=overrides, console=self._console)

    def plan(self, study: str, *, workers: int, overrides: Sequence[str], measure: bool) -> None:
        """See Desk."""
        from coordinator.plan import plan

        plan(
            self._site,
            study,
            workers=workers,
            overrides=overrides,
            measure=measure,
            console=self._console,
        )

    def prepare(self, study: str, *, overrides: Sequence[str]) -> None:
        """See Desk."""
        from coordinator.preparation import prepare
        from study.config.load import find_study, load_study

        file = find_study(study)
        load_study(file, overrides)
        prepare(self._site.program, file, overrides, self._console)

    def status(self, study: str | None, *, follow: bool) -> int:
        """See Desk."""
        from coordinator.status import follow_one, show_all, show_one
        from coordinator.storage import storage

        with storage() as (registry, _), suppress(KeyboardInterrupt):
            if study is None:
                show_all(registry, self._console)
            elif follow:
                found = registry.find(study)
                follow_one(self._site, registry, found, self._console, partial(time.sleep, PERIOD))
            else:
                show_one(self._site, registry, registry.find(study), self._console)
        return exit_codes.DONE

    def logs(self, study: str, *, worker: int | None, follow: bool) -> None:
        """See Desk."""
        from coordinator.logs import chosen, show_logs

        place = paths.artifacts(study)
        logs = chosen(self._site.logs(place), worker, place.worker_log(0).parent)
        show_logs(logs, follow=follow, say=self._say)

    def scale(self, study: str, workers: int) -> None:
        """See Desk."""
        from coordinator.storage import storage

        with storage() as (registry, _):
            registry.scale(study, workers)
        self._say(f"study {study}: {workers} workers wanted; who runs it will see to that")

    def stop(self, study: str) -> None:
        """See Desk."""
        from coordinator.stop import stop
        from coordinator.storage import storage

        with storage() as (registry, _):
            found = registry.find(study)
            stop(registry, found, self._site.backend(registry, found), self._console)

    def shutdown(self) -> None:
        """See Desk."""
        from coordinator.status import is_done
        from coordinator.stop import shut_down, stop
        from coordinator.storage import storage

        with storage() as (registry, server):
            for found in map(registry.find, registry.names()):
                backend = self._site.backend(registry, found)
                if not is_done(registry, found):
                    stop(registry, found, backend, self._console)
                backend.forget()
            shut_down(registry, server)

    def best(self, study: str, *, write: Path | None, force: bool) -> None:
        """See Desk."""
        from coordinator.status import best_of, show_best
        from coordinator.storage import storage

        with storage() as (registry, _):
            found = registry.find(study)
            show_best(registry, found, self._console)
            if write is not None:
                best_of(registry, found).write(write, force=force)
                self._say(f"written: {write}; train it again: make train STUDY={write}")

    def promote(self, study: str, *, trial: int | None) -> None:
        """See Desk."""
        from coordinator.promote import promote
        from coordinator.promoted import describe
        from coordinator.storage import storage

        with storage() as (registry, _):
            found = registry.find(study)
            version = promote(registry, found, self._site.program, trial=trial, reuse=True)
            self._say(describe(paths.artifacts(study), version, found.config))

    def rollback(self, study: str) -> None:
        """See Desk."""
        from coordinator.promoted import rollback

        manifest = rollback(paths.artifacts(study))
        self._say(f"latest is version {manifest.version} again (trial {manifest.trial})")

    def dashboard(self, study: str | None, *, host: str, port: int, writable: bool) -> None:
        """See Desk."""
        from coordinator.attached import AttachedFiles
        from coordinator.dashboard import dashboard, given_token
        from coordinator.storage import awaited_storage, storage
        from study.mirror import of_artifacts

        token = given_token()
        opened_storage = storage() if token is None else awaited_storage(self._say)
        with opened_storage as (registry, _):
            study_id = None if study is None else registry.find(study).study_id
            opened = dashboard(
                registry.storage,
                AttachedFiles(paths.artifacts("any").root.parent, of_artifacts()),
                study_id=study_id,
                host=host,
                port=port,
                token=token,
                writable=writable,
            )
            with opened as (server, url), suppress(KeyboardInterrupt):
                self._say(f"{url}\nCtrl-C ends it")
                server.serve_forever()

    def report(self, study: str, *, printed: bool, output: Path | None) -> None:
        """See Desk."""
        from coordinator.report.page import report_page, write_report
        from coordinator.storage import storage

        with storage() as (registry, _):
            found = registry.find(study)
            if printed:
                sys.stdout.write(report_page(registry, found))
            else:
                self._say(str(write_report(registry, found, output)))

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)
