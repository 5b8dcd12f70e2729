"""How a tree of folders says what a picture is: where the class folders lie, and in which split.

Knows trees as they unpack: wrappers above, train/ val/ test/ under many names, a folder that holds
itself once more, pictures to predict without a class. Knows nothing of files beyond their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from study.dataset import Split
from study.errors import DataError

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# `training_set`, `test_images`, `seg_train`: words that say nothing beside a split's.
FILLERS = frozenset(
    "data dataset folder image img label picture seg set split".split()  # noqa: SIM905 - a list
)
UNLABELLED = frozenset(("test", "testing", "pred", "prediction", "unlabelled", "unlabeled"))

Parts = tuple[str, ...]


@dataclass
class Folder:
    """A folder of a tree."""

    own: int = 0
    """Pictures that lie directly in it."""
    total: int = 0
    """With those of all folders below."""
    below: dict[str, Folder] = field(default_factory=dict)

    @property
    def full(self) -> dict[str, Folder]:
        """The folders below that hold pictures at any depth."""
        return {name: folder for name, folder in self.below.items() if folder.total}


@dataclass(frozen=True)
class LeftOut:
    """A folder whose pictures are not used."""

    path: Parts
    why: str
    pictures: int

    def __str__(self) -> str:
        return f"{'/'.join(self.path)}/ {self.why}: {self.pictures} pictures are not used"


@dataclass(frozen=True)
class Layout:
    """Where the class folders are."""

    roots: dict[Parts, Split | None]
    """The folders right above them, and the split each stands for."""
    left_out: tuple[LeftOut, ...]


def split_of(name: str) -> Split | None:
    """The split a name stands for, alone or among fillers: `Train`, `tests`, `validation_set`."""
    words = _words(name)
    splits = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    known = all(word in SPLIT_WORDS or word in FILLERS for word in words)
    return splits.pop() if known and len(splits) == 1 else None


def grow(pictures: Iterable[Parts], folders: Iterable[Parts]) -> Folder:
    """The tree of all folders, from the names of pictures and of folders that may be empty."""
    root = Folder()
    for parts in pictures:
        here = root
        here.total += 1
        for part in parts[:-1]:
            here = here.below.setdefault(part, Folder())
            here.total += 1
        here.own += 1
    for parts in folders:
        here = root
        for part in parts:
            here = here.below.setdefault(part, Folder())
    return root


def find_layout(root: Folder, where: str) -> Layout:
    """Goes down through folders that hold all there is to where classes or splits begin; takes what
    is left out from the tree.

    where: the source, for messages. Raises DataError where splits lack train or classes.
    """
    path: Parts = ()
    here = root
    left_out: list[LeftOut] = []
    while True:
        left_out += _take_out(here, path, _no_classes(here))
        if roots := _splits(here, path, where):
            left_out += _take_out(here, path, _no_splits(here, roots, len(path)))
            return Layout(roots, tuple(left_out))
        lone = next(iter(here.below)) if len(here.below) == 1 else None
        if lone is None or not here.below[lone].full:
            return Layout({path: None}, tuple(left_out))
        path, here = (*path, lone), here.below[lone]


def _take_out(folder: Folder, path: Parts, reasons: dict[str, str]) -> list[LeftOut]:
    return [
        LeftOut((*path, name), why, folder.below.pop(name).total) for name, why in reasons.items()
    ]


def _no_classes(folder: Folder) -> dict[str, str]:
    """Folders beside class folders or a wrapper that hold no class of their own, and why."""
    full = folder.full
    found = {}
    for name, child in full.items():
        others = full.keys() - {name}
        if len(others) > 1 and child.full.keys() == others:
            found[name] = "repeats the folders beside it"
        elif UNLABELLED & set(_words(name)) and _flat(child, name) and len(others) == 1:
            wrapper = full[next(iter(others))]
            found |= {name: "has no class folders"} if len(wrapper.full) > 1 else {}
    return found


def _no_splits(folder: Folder, roots: dict[Parts, Split | None], depth: int) -> dict[str, str]:
    """Folders beside the splits, and why they are none."""
    used = {root[depth] for root in roots}
    return {
        name: "has no class folders" if _flat(child, name) else "is neither train, val nor test"
        for name, child in folder.full.items()
        if name not in used
    }


def _splits(folder: Folder, path: Parts, where: str) -> dict[Parts, Split | None]:
    """The folders above the classes where those below `folder` are splits; else nothing."""
    full = folder.full
    splits = {name: split for name in full if (split := split_of(name)) is not None}
    roots: dict[Parts, Split | None] = {
        (*path, name, *_inside(full[name], name)[0]): split
        for name, split in splits.items()
        if not _flat(full[name], name)
    }
    if "train" in roots.values():
        return roots
    if not splits or len(splits) < len(full):
        return {}  # classes, some of which are called like splits
    named = ", ".join(sorted(full))
    if "train" not in splits.values():
        raise DataError(f"{where}: split folders need train/ beside them, got {named}")
    raise DataError(
        f"{where}: train/ must hold a folder for each class, or a labels.csv must stand beside "
        f"the folders, got {named}"
    )


def _flat(folder: Folder, name: str) -> bool:
    """Whether it holds pictures and no class folders."""
    return not _inside(folder, name)[1].full


def _inside(folder: Folder, name: str) -> tuple[Parts, Folder]:
    """Looks through `train/train/` and `train/images/`; gives the way and what is there."""
    way: Parts = ()
    while not folder.own and len(folder.full) == 1:
        ((lone, child),) = folder.full.items()
        same = lone.lower() == name.lower() or (split_of(lone) or "?") == split_of(name)
        if not same and not FILLERS.issuperset(_words(lone) or ["?"]):
            break
        way, folder = (*way, lone), child
    return way, folder


def _words(name: str) -> list[str]:
    """Its words in lower case and singular: `Testset` is test and set, `images` is image."""
    words: list[str] = []
    for word in re.findall(r"[a-z]+", name.lower()):
        single = word.removesuffix("s")
        stem = single.removesuffix("set")
        if stem != single and stem in SPLIT_WORDS:
            words += [stem, "set"]
        else:
            words.append(single)
    return words
