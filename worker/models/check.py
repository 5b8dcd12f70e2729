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
    """Raises ModelError for the first name that nothing has, else for the first file of weights
    that is missing."""
    models = [fill(study, {MODEL_NAME: name}).model for name in names(study.model_dump())]
    backbones = [model for model in models if isinstance(model, BackboneConfig)]
    if not backbones:
        return
    from worker.models.library import maker  # torchvision takes a second, and few need it
    from worker.models.pretrained import weights_file

    for config in backbones:
        maker(config, study.data.image_size)
    for config in backbones:
        for file in _files(study, config):
            weights_file(config.model_copy(update={"weights": file}))


def _files(study: StudyConfig, config: BackboneConfig) -> list[str]:
    """What a trial of this name may begin from, fresh weights left out."""
    searched = study.space.get(WEIGHTS)
    if searched is None or not for_model(searched, study.space, config.name):
        return [config.weights] if config.weights is not None else []
    return [str(choice) for _, choice in searched.probes() if choice is not None]
