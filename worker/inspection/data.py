"""What `hpo-worker` does with a study's pictures before anything is trained: inspect them.

What the verb does is in the modules it imports when it is called, so that the supervisor never has
torch in its process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study import mirror, paths
from study.config.load import find_study, load_study
from worker import environment
from worker.inspection.terminal import bar, say, show

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from study.config.records import StudyConfig
    from worker.data.store import Store


OWN = "model"  # the study's own network, where a promoted model is named


def inspect(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="name in configs/, or a YAML file")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="change a value of the file")
    ] = None,
    data: Annotated[str | None, typer.Option(help="pictures to use instead of data.source")] = None,
    output: Annotated[Path | None, typer.Option(help="folder for inspect.json and figures")] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="also compare by features: of a promoted model, or of the study's own network "
            "with its trained weights (the word model)",
        ),
    ] = None,
) -> None:
    """Shows class counts, sizes, formats, duplicates and broken files of a study's pictures.

    Packs them first unless that was done. Pictures nearly the same in two splits are called leaks.
    """
    from worker.data.inspect import inspect as verb
    from worker.data.survey_table import class_table, lines

    given = [] if data is None else [f"data.source={json.dumps(data)}"]
    config = load_study(find_study(study), [*(overrides or ()), *given])
    store = _packed(config)
    compared = None if features is None else _features(store, config, features)
    count = len(store.manifest.names) + len(store.manifest.quarantined)
    target = output or paths.artifacts(config.name).inspection
    with bar("reading headers", count) as advance:
        found = verb(
            store,
            config.data,
            target,
            threads=environment.threads(),
            advance=advance,
            features=compared,
        )
    show(class_table(found))
    for line in lines(found):
        show(line)
    say(f"written: {target}")


def _packed(config: StudyConfig) -> Store:
    from worker.data.prepare import prepare
    from worker.data.store import Store
    from worker.data.transfer import obtain

    mirror.fetch_source(Path(config.data.source))
    done = 0
    with bar("preparing pictures", None) as advance:

        def progress(now: int, _total: int) -> None:
            nonlocal done
            advance(now - done)
            done = now

        place = prepare(
            config.data,
            paths.data(),
            processes=environment.threads(),
            progress=progress,
            mirror=mirror.of_data(),
        )
    obtain(mirror.of_data(), place, 0.0, lambda: None)
    return Store.open(place)


def _features(store: Store, config: StudyConfig, model: str) -> NDArray[np.float32]:
    import torch

    from worker.evaluation.network import Network
    from worker.inspection.features import check_channels, pretrained, store_features
    from worker.inspection.given import open_model

    torch.set_num_threads(environment.threads())
    if model == OWN:
        network: Network = pretrained(config, store, environment.device())
    else:
        network = classifier = open_model(model, environment.device())
        check_channels(store, classifier)
    with bar("asking the model", len(store.manifest.names)) as advance:
        return store_features(store, network, advance)
