"""Data sets of Hugging Face as sources: from the hub, saved to disk, or as a folder of parquet.

Everything about formats, splits and caches is the library's (extra `huggingface`): HF_HOME says
where it keeps what it fetched, HF_HUB_OFFLINE=1 lets it look nowhere else. A folder of parquet is
copied into that cache, because parquet cannot be read at random. Pictures are read as their files'
bytes and decoded as all others are. Knows nothing of decoding.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from study.dataset import Split
from study.errors import DataError
from study.hub import is_hub, parse_hub
from study.layout import split_of
from study.listing import Entry, Listing, is_picture
from worker.data.source import FILE_LIMIT, file_state, read_file

LABELS = ("label", "labels", "class", "category")  # columns of text that can stand for the class


class HubSource:
    """A picture is named by its split, its number and, where it has one, its file's name."""

    def __init__(self, place: str) -> None:
        self.place = place
        loaded = _load(place)
        self._splits: dict[str, Any] = (
            dict(sorted(loaded.items())) if isinstance(loaded, Mapping) else {"": loaded}
        )
        first = next(iter(self._splits.values()))
        self._image = _column(place, first.features, "Image", ("image", "img"))
        self._label = _column(place, first.features, "ClassLabel", LABELS)
        self._pictures = {split: self._encoded(rows) for split, rows in self._splits.items()}

    def fingerprint(self) -> str:
        """Over splits and the sizes and times of the library's own files."""
        digest = hashlib.sha256(b"hub\0")
        for split, rows in self._splits.items():
            digest.update(f"{split}\0{len(rows)}\0{rows.features[self._label]}\0".encode())
            for file in rows.cache_files:
                digest.update(f"{file_state(Path(file['filename']))}\0".encode())
        return digest.hexdigest()

    def listing(self) -> Listing:
        """Rows of all splits whose names say which they are; a lone split is divided."""
        given: dict[str, Split | None] = {name: split_of(name) for name in self._splits}
        used = {name for name, split in given.items() if split} if len(given) > 1 else set(given)
        entries: list[Entry] = []
        notes = [
            f"{name} is neither train, val nor test: {len(rows)} pictures are not used"
            for name, rows in self._splits.items()
            if name not in used
        ]
        for name in sorted(used):
            labelled = [entry for entry in self._entries(name, given[name]) if entry.label]
            entries += labelled
            if bare := len(self._splits[name]) - len(labelled):
                notes.append(f"{name}: {bare} pictures without a label are not used")
        return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), tuple(notes))

    def read(self, name: str) -> bytes:
        """One picture's bytes, as they were put into the data set."""
        split, _, rest = ("", "", name) if "" in self._pictures else name.partition("/")
        found = self._pictures[split][int(rest.partition("/")[0])][self._image]
        if found is None or (found["bytes"] is None and not found["path"]):
            raise ValueError("the data set has no picture here")
        content: bytes = found["bytes"] or read_file(Path(found["path"]))
        if len(content) > FILE_LIMIT:
            raise ValueError(f"larger than {FILE_LIMIT} bytes")
        return content

    def close(self) -> None:
        """The library closes its files with their last reader."""

    def _entries(self, split: str, given: Split | None) -> Iterator[Entry]:
        rows = self._splits[split]
        feature = rows.features[self._label]
        names = getattr(feature, "names", None)
        files = self._file_names(split)
        labels = rows.select_columns([self._label]).with_format(None)[:][self._label]
        for number, (label, file) in enumerate(zip(labels, files, strict=True)):
            if names is not None:
                label = names[label] if label is not None and label >= 0 else ""
            name = "/".join(part for part in (split, f"{number:07d}", file) if part)
            yield Entry(name, str(label or "").strip(), given)

    def _file_names(self, split: str) -> Iterator[str]:
        """What the files of the pictures were called, nothing where it is not known; without
        reading the pictures."""
        for batch in self._pictures[split].with_format("arrow").iter(batch_size=1000):
            for chunk in batch.column(self._image).chunks:
                for path in chunk.field("path").to_pylist():
                    yield PurePosixPath(path).name if path else ""

    def _encoded(self, rows: Any) -> Any:
        from datasets import Image

        return rows.select_columns([self._image]).cast_column(self._image, Image(decode=False))


def is_saved(folder: Path) -> bool:
    """Whether `datasets` wrote the folder: with save_to_disk, or as parquet without pictures."""
    if _on_disk(folder):
        return True
    for _, _, names in os.walk(folder):  # as far as the first file that tells
        if any(map(is_picture, names)):
            return False
        if any(name.endswith(".parquet") for name in names):
            return True
    return False


def _on_disk(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _load(place: str) -> Any:
    """A Dataset, or one of each split's name. Raises DataError."""
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{place}: data sets of Hugging Face need datasets: install hpo[huggingface]"
        ) from error
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    try:
        if not is_hub(place):
            load = datasets.load_from_disk if _on_disk(Path(place)) else datasets.load_dataset
            return load(place)
        name = parse_hub(place)
        return datasets.load_dataset(name.repository, name.configuration, revision=name.revision)
    except Exception as error:  # whatever network, cache and formats raise
        raise DataError(f"{place}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The library's first line, with the way out that it does not name."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "scripts are no longer supported" in said:
        return f"{said}: append @refs/convert/parquet, the hub's own conversion"
    if "Config name is missing" in str(error):
        return f"{' '.join(str(error).split())}: append /CONFIGURATION"
    if isinstance(error, ConnectionError):
        return f"{said}: give a folder it was saved to, or an HF_HOME that has it"
    return f"cannot be loaded by datasets: {said}"


def _column(place: str, features: Mapping[str, Any], kind: str, names: tuple[str, ...]) -> str:
    """The only column of a kind, else one of these names. Raises DataError."""
    of_kind = [name for name, feature in features.items() if type(feature).__name__ == kind]
    if len(of_kind) == 1:
        return of_kind[0]
    for name in names:
        if name in (of_kind or features):
            return name
    raise DataError(
        f"{place}: needs one column of kind {kind}, or one of the names {', '.join(names)}, "
        f"got {', '.join(f'{name} ({type(one).__name__})' for name, one in features.items())}"
    )
