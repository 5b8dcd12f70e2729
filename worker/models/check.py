"""Whether all models of a study can be had here: names that exist, weights that are there.

Asked before anything starts, so that a trial in the middle of the night need not find out. Knows
nothing of whether they can be built for the pictures.
"""

from __future__ import annotations

from study.config.fill import fill
from study.config.kinds import MODEL_NAME, names
from study.config.models import BackboneConfig
from study.config.records import StudyConfig
from study.config.scope import for_model

WEIGHTS = "model.weights"


def check_models(study: StudyConfig) -> None:
    """Raises ModelError for the first that cannot be had."""
    for name in names(study.model_dump(mode="json")):
        config = fill(study, {MODEL_NAME: name}).model
        if not isinstance(config, BackboneConfig):
            continue
        from worker.models.library import maker  # torchvision takes a second, and few need it
        from worker.models.pretrained import weights_file

        maker(config, study.data.image_size)
        searched = study.space.get(WEIGHTS)
        files = [config.weights]
        if searched is not None and for_model(searched, study.space, name):
            files = [str(choice) for _, choice in searched.probes() if choice is not None]
        for file in filter(None, files):
            weights_file(config.model_copy(update={"weights": file}))
