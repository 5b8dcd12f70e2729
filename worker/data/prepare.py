"""From raw pictures to a packed store: checked, decoded once, split, measured, published.

Quick when it is done already; goes on where it was interrupted; several processes at once do the
work once. Knows nothing of which pictures make a data set (see usable.py), nor of training.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from study.choice import choose
from study.config.data import DataConfig
from study.dataset import Converted, DatasetManifest, Quarantined
from study.errors import DataError
from study.listing import Listing
from study.lock import locked
from study.mirror import Mirror
from study.paths import DataPaths
from worker.data.alike import near_sets
from worker.data.chunks import Chunk, plan
from worker.data.duplicates import find_duplicates
from worker.data.pack import Row, fold_ranges, order_rows, publish, split_ranges, write_arrays
from worker.data.pool import Progress, decode_all
from worker.data.recipe import recall, recipe_key, remember
from worker.data.source import Source, open_source
from worker.data.split import Assignment, assign
from worker.data.transfer import known_remotely, send
from worker.data.units import Picture, find_units
from worker.data.usable import check_listing, usable


def prepare(
    config: DataConfig,
    root: DataPaths,
    *,
    processes: int,
    progress: Progress,
    mirror: Mirror | None = None,
) -> Path:
    """Packs the pictures of config.source and returns the store's directory.

    processes: decoders at once. progress: called with pictures done and pictures in all; not
    called where the store is there already. mirror: of `root`; gets the store too, and where it has
    it the directory may be missing. Raises DataError, with nothing half published.
    """
    with closing(open_source(config.source, config.sha256)) as source:
        try:
            key = recipe_key(source.fingerprint(), config)
            if (content := known_remotely(mirror, root, key)) is not None:
                return root.store(content)
            done = recall(root, key, source.place)
            if done is None:
                with locked(root.lock(key)):  # another process may pack it meanwhile
                    done = recall(root, key, source.place) or _pack(
                        source, config, root, key, processes, progress
                    )
            send(mirror, root, done.name, key)
            return done
        except (OSError, BrokenProcessPool) as error:
            raise _explain(error, root) from error


def _pack(
    source: Source,
    config: DataConfig,
    root: DataPaths,
    key: str,
    processes: int,
    progress: Progress,
) -> Path:
    listing = choose(source.listing(), config, where=source.place)
    check_listing(listing, config, source.place)
    work = root.work(key)
    work.mkdir(parents=True, exist_ok=True)
    tasks = plan(
        source,
        [entry.name for entry in listing.entries],
        side=config.packed_size,
        channels=config.channels,
        fit=config.fit,
        directory=work,
    )
    chunks = decode_all(source, tasks, processes, progress)
    try:
        content = _publish(source, config, root, work, listing, chunks)
    except DataError:
        shutil.rmtree(work)  # the pictures must change, and then these are of no use
        raise
    remember(root, key, content)
    shutil.rmtree(work)
    return root.store(content)


def _publish(
    source: Source,
    config: DataConfig,
    root: DataPaths,
    work: Path,
    listing: Listing,
    chunks: Sequence[Chunk],
) -> str:
    """Splits, writes the store and returns the name of its content."""
    pictures = usable(listing, chunks, source.place)
    near: Sequence[Sequence[int]] = ()
    if config.split.keep_together == "near":
        near = near_sets(chunk.squares() for chunk in chunks)
    assignment = assign(pictures, find_units(pictures, config.split.group, near), config.split)
    rows = order_rows(_rows(chunks, pictures, assignment, listing.classes))
    splits = split_ranges(rows, len(listing.classes))
    folds = fold_ranges(rows, len(listing.classes))
    packed = write_arrays(work / "store", rows, chunks, listing.classes, splits, folds)
    outcomes = [outcome for chunk in chunks for outcome in chunk.outcomes]
    manifest = DatasetManifest(
        content=packed.content,
        classes=listing.classes,
        size=config.packed_size,
        channels=config.channels,
        splits=splits,
        folds=folds,
        mean=packed.mean,
        std=packed.std,
        source=source.place,
        names=tuple(row.name for row in rows),
        quarantined=tuple(Quarantined(name=o.name, reason=o.broken) for o in outcomes if o.broken),
        converted=tuple(Converted(name=o.name, change=o.change) for o in outcomes if o.change),
        duplicates=find_duplicates(pictures, assignment.splits),
        notes=(*listing.notes, *assignment.notes),
    )
    publish(work / "store", manifest, root.store(packed.content))
    return packed.content


def _rows(
    chunks: Sequence[Chunk],
    pictures: Sequence[Picture],
    assignment: Assignment,
    classes: Sequence[str],
) -> list[Row]:
    """One row for each usable picture, in the order of the chunks."""
    index = {label: number for number, label in enumerate(classes)}
    places = [
        (chunk, position)
        for chunk, one in enumerate(chunks)
        for position in range(sum(outcome.broken is None for outcome in one.outcomes))
    ]
    return [
        Row(picture.name, index[picture.label], split, fold, chunk, position)
        for picture, split, fold, (chunk, position) in zip(
            pictures, assignment.splits, assignment.folds, places, strict=True
        )
    ]


def _explain(error: OSError | BrokenProcessPool, root: DataPaths) -> DataError:
    """An error of the disk as one line; what is decoded so far is kept for the next attempt."""
    if isinstance(error, BrokenProcessPool):
        return DataError(
            "a process that decodes pictures was killed, mostly for want of memory: "
            "prepare again, it goes on from here"
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(
            f"{root.root}: no room left for packed pictures: free some or set HPO_DATA"
        )
    return DataError(f"{error.filename or root.root}: {error.strerror or error}")
