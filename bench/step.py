"""How many pictures a second a model trains on, by number format, memory format and compilation.

    .venv/bin/python -m bench.step [--size 64] [--rounds 5] [--without-compile]

The pictures lie on the device already, and none is augmented: an optimizer step alone. The last
row of a model is what it costs until a compiled one begins to train.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from bench.command import arguments_of, finish, parser_for
from bench.section import Section, Values, ratios, spread
from bench.turns import Turn, in_turns
from study.config.models import BackboneConfig, DynamicCnnConfig, ModelConfig
from study.config.training import TrainingConfig
from study.cores import cores
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.precision import resolve_precision
from worker.step.way import WARM_STEPS
from worker.training.compiler import missing
from worker.training.learner import Learner

CLASSES = 10
MODELS: dict[str, ModelConfig] = {
    "DynamicCNN": DynamicCnnConfig(),
    "ResNet-18": BackboneConfig(name="resnet18"),
}
TURN_SECONDS = 0.5  # at least one step
PLAIN = "float32"


def main() -> None:
    """Measures and prints or writes the section."""
    parser = models_parser_for(__doc__, size=64, batch=64)
    parser.add_argument("--without-compile", action="store_true")
    given = arguments_of(parser)
    finish(measure(given), given)


def models_parser_for(document: str | None, *, size: int, batch: int) -> argparse.ArgumentParser:
    """Of a part that trains MODELS, with these defaults."""
    parser = parser_for(document)
    parser.add_argument("--size", type=int, default=size, help="side of the input, pixels")
    parser.add_argument("--batch", type=int, default=batch, help="pictures of a batch")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    return parser


def measure(given: argparse.Namespace) -> Section:
    """All variants of each model in turns, one model after the other."""
    torch.set_num_threads(cores())
    device = resolve_device("auto")
    rows: list[tuple[str, ...]] = []
    rounds: dict[str, Values] = {}
    for name in given.models:
        rates, warm_up = variants(MODELS[name], given, device)
        rounds |= {f"{name}, {variant}": values for variant, values in rates.items()}
        for variant, values in rates.items():
            times = spread(ratios(values, rates[PLAIN]), ".2f")
            seconds = f"{warm_up:.1f} s" if variant.startswith("compiled") else ""
            rows.append((name, variant, spread(values), times, seconds))
        rounds[f"{name}, seconds until compiled"] = (warm_up,) if warm_up else ()
    chosen = str(resolve_precision("auto", device)).removeprefix("torch.")
    return Section(
        title=f"Training step at {given.size} px",
        about=(
            f"An optimizer step (AdamW, clipped) over batches of {given.batch} that lie on the "
            f"device. Median, lowest and highest of {given.rounds} rounds in turns. A study that "
            f"does not say trains channels-last in {chosen} here, or as its first worker measures."
        ),
        header=("model", "variant", "pictures/s", f"times {PLAIN}", "until it trains"),
        rows=tuple(rows),
        rounds=rounds,
    )


def variants(
    config: ModelConfig, given: argparse.Namespace, device: torch.device
) -> tuple[dict[str, Values], float]:
    """Pictures a second by variant, and the seconds until the compiled one trains; 0: left out."""
    images = torch.randn(given.batch, 3, given.size, given.size, device=device)
    labels = torch.arange(given.batch, device=device) % CLASSES
    last = images.to(memory_format=torch.channels_last)
    plain = learner(config, given, device, "float32")
    plain.model.to(memory_format=torch.contiguous_format)
    half = "float16" if resolve_precision("auto", device) == torch.float16 else "bfloat16"
    turns = {
        PLAIN: steps(plain, images, labels),
        "float32, channels-last": steps(learner(config, given, device, "float32"), last, labels),
        f"{half}, channels-last": steps(learner(config, given, device, half), last, labels),
    }
    warm_up = 0.0
    if not given.without_compile and missing(device) is None:
        compiled = learner(config, given, device, half, compile="always")
        warm_up = until_compiled(compiled, last, labels)
        turns[f"compiled, {half}, channels-last"] = steps(compiled, last, labels)
    measured = in_turns(turns, given.rounds)
    return {name: tuple(one.rate for one in rounds) for name, rounds in measured.items()}, warm_up


def learner(
    config: ModelConfig, given: argparse.Namespace, device: torch.device, precision: str, **way: str
) -> Learner:
    """What a trial trains, anew."""
    torch.manual_seed(0)
    model = build_model(config, channels=3, image_size=given.size, n_classes=CLASSES)
    training = TrainingConfig.model_validate(
        {"batch_size": given.batch, "precision": precision, **way}
    )
    made = Learner(model, training, device=device)
    made.begin_epoch(0)
    made.model.train()
    return made


def steps(learner: Learner, images: Tensor, labels: Tensor) -> Turn:
    """As many as fit into a turn, at least one."""

    def turn(_: int) -> int:
        deadline, done = time.perf_counter() + TURN_SECONDS, 0
        while not done or time.perf_counter() < deadline:
            loss, _logits = learner.step(images, labels, 1e-3)
            done += 1
            if done % 10 == 0:
                loss.item()  # a GPU that runs ahead would make a turn as long as its queue
        loss.item()
        return done * len(images)

    return turn


def until_compiled(learner: Learner, images: Tensor, labels: Tensor) -> float:
    """Seconds of the first steps: after them nothing is compiled or recorded any more."""
    began = time.perf_counter()
    for _ in range(WARM_STEPS):
        learner.step(images, labels, 1e-3)[0].item()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
