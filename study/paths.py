"""Every file name of the project, so that no other module spells one.

HPO_HOME (.hpo)              what this machine keeps for itself
  postgres/                  embedded database, when no HPO_STORAGE is given
  mlruns/                    runs of MLflow, when no MLFLOW_TRACKING_URI is given
HPO_DATA (.hpo/data)         packed data sets, shared by all studies
  stores/<content>/          manifest.json, pixels.bin, labels.bin
  recipes/<key>.json         which store a source and a data configuration gave
  work/<key>/                an unfinished preparation, and its lock
HPO_DATA/../sources
  <sha256>.zip               pictures a laptop has sent
HPO_ARTIFACTS (artifacts)
  <study>/
    trials/<number>/         checkpoints, best weights, TensorBoard events, its result and figures
    workers/<index>.json     a local worker's process; <index>.log what it printed
    steps/<kind>.json        how trials compute a step on one kind of machine, and what was measured
    compiled/                what torch.compile has made, for all workers
    promoted/<version>/      a promoted model; `latest` points at one
    used/<version>/          what was made of it: evaluation/, explanation/<picture>/, export/
    packing/<kind>.json      how many trials at once were found best on a kind of device
    data/                    what `hpo data inspect` found in its pictures
    report.html
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


def home() -> Path:
    """What this machine keeps for itself."""
    return Path(os.environ.get("HPO_HOME", ".hpo")).absolute()


def mlflow_runs() -> Path:
    """Runs of all studies. Not in HPO_ARTIFACTS: MLflow takes no run below a folder `artifacts`."""
    return home() / "mlruns"


def data() -> DataPaths:
    """Where packed data sets are, from HPO_DATA."""
    given = os.environ.get("HPO_DATA")
    return DataPaths(Path(given).absolute() if given else home() / "data")


def source(sha256: str) -> Path:
    """The archive of pictures that was sent under its checksum."""
    return data().root.parent / "sources" / f"{sha256}.zip"


def artifacts(study: str) -> StudyPaths:
    """Where a study's artifacts go, from HPO_ARTIFACTS."""
    return StudyPaths(Path(os.environ.get("HPO_ARTIFACTS", "artifacts")).absolute() / study)


@dataclass(frozen=True)
class DataPaths:
    """Packed data sets."""

    root: Path

    def store(self, content: str) -> Path:
        """The directory of one packed data set."""
        return self.root / "stores" / content

    def recipe(self, key: str) -> Path:
        """Says which store the recipe `key` gave."""
        return self.root / "recipes" / f"{key}.json"

    def work(self, key: str) -> Path:
        """Where a preparation keeps what it has done so far."""
        return self.root / "work" / key

    def lock(self, key: str) -> Path:
        """Held while a preparation runs."""
        return self.root / "work" / f"{key}.lock"


MANIFEST = "manifest.json"  # in a store and in a promoted model
PIXELS = "pixels.bin"  # uint8 (N, H, W, C)
WEIGHTS = "weights.pt"  # of a promoted model
METRICS = "metrics.json"  # of a promoted model
LIKENESS = "likeness.pt"  # of a promoted model: what its training pictures are like
HISTORY = "history.json"  # of a promoted model
CONFIG = "config.yaml"  # of a promoted model
CLASSES = "classes.json"  # of a promoted model
NORMALIZATION = "normalization.json"  # of a promoted model
EVENTS = "events"  # of a trial, for TensorBoard
RESULT = "result.json"  # of a complete trial: what its best epoch did on the validation split
CURVES = "curves.png"  # of a complete trial
CONFUSION = "confusion.png"  # of a complete trial
MISTAKES = "mistakes.png"  # of a complete trial that made some
UPLOADS = ".uploads"  # of people, in the dashboard; beside the studies
UNPUBLISHED = ".new-"  # how what is measured and no version yet begins
LABELS = "labels.bin"  # little-endian int32 (N,)


@dataclass(frozen=True)
class StudyPaths:
    """One study's artifacts."""

    root: Path

    def trial(self, number: int) -> Path:
        """Checkpoints and events of one trial."""
        return self.root / "trials" / f"{number:05d}"

    def worker(self, index: int) -> Path:
        """Which process the local worker `index` is."""
        return self.root / "workers" / f"{index}.json"

    def worker_log(self, index: int) -> Path:
        """What the local worker `index` printed."""
        return self.root / "workers" / f"{index}.log"

    def packing(self, kind: str) -> Path:
        """How many trials at once were found best on a kind of device."""
        return self.root / "packing" / f"{kind}.json"

    def packing_lock(self, kind: str) -> Path:
        """Held while that is measured."""
        return self.root / "packing" / f"{kind}.lock"

    def step(self, kind: str) -> Path:
        """How trials compute a step, by study and kind of machine. Not beside the packed data: in a
        cluster workers may only read that."""
        return self.root / "steps" / f"{kind}.json"

    @property
    def compiled(self) -> Path:
        """What torch.compile has made."""
        return self.root / "compiled"

    @property
    def promoted(self) -> Path:
        """Promoted models, a directory each."""
        return self.root / "promoted"

    @property
    def promotion_lock(self) -> Path:
        """Held while what is promoted changes."""
        return self.promoted / ".lock"

    def version(self, version: int) -> Path:
        """One promoted model."""
        return self.promoted / f"{version:04d}"

    def unpublished(self, candidates: Sequence[int]) -> Path:
        """What was measured of the trials `candidates` and is not a version yet."""
        return self.promoted / f"{UNPUBLISHED}{'-'.join(map(str, candidates))}"

    @property
    def latest(self) -> Path:
        """Points at the promoted model in use."""
        return self.promoted / "latest"

    def evaluation(self, version: int) -> Path:
        """Figures and metrics of a promoted model on pictures."""
        return self._used(version) / "evaluation"

    def explanation(self, version: int, picture: str) -> Path:
        """What a promoted model sees in a picture of that name."""
        return self._used(version) / "explanation" / picture

    def export(self, version: int) -> Path:
        """A promoted model in forms for other programs."""
        return self._used(version) / "export"

    def _used(self, version: int) -> Path:
        return self.root / "used" / f"{version:04d}"

    @property
    def inspection(self) -> Path:
        """What was found in the study's pictures: inspect.json and figures."""
        return self.root / "data"

    @property
    def report(self) -> Path:
        """The study as one page."""
        return self.root / "report.html"
