"""A compiled step trains as one that is not. Inductor, whose g++ would take a minute, is left out;
one test goes all the way, with next to nothing to compile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from study.config.models import BackboneConfig
from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from study.errors import ModelError
from tests.worker.training.recorded import NewTrial
from worker.models.build import build_model
from worker.training import compiler, forward
from worker.training.compiler import keep_in, missing
from worker.training.learner import Learner

CPU = torch.device("cpu")
IMAGES = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(16) % 6

NewLearner = Callable[..., Learner]
NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def without_inductor(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Steps are captured and differentiated as always, then run by the kernels of the model as it
    is written; gives what torch.compile was told."""
    told: list[dict[str, Any]] = []
    compile_with = torch.compile

    def capture(function: Any, **options: Any) -> Any:
        told.append(options)
        return compile_with(function, backend="aot_eager", dynamic=options["dynamic"])

    monkeypatch.setattr(torch, "compile", capture)
    monkeypatch.setattr(forward, "missing", lambda _device: None)
    return told


def steps_of(learner: Learner, *sizes: int) -> list[tuple[Tensor, Tensor]]:
    """Losses and logits of batches of those sizes."""
    torch.manual_seed(0)  # of dropout
    learner.begin_epoch(0)
    return [learner.step(IMAGES[:size], LABELS[:size], 0.01) for size in sizes]


@pytest.mark.parametrize(
    ("training", "accumulation"),
    [
        ({"precision": "float32", "gradient_clip": 0.1, "label_smoothing": 0.1}, 1),
        ({"precision": "bfloat16", "class_weights": "inverse"}, 3),
        ({"precision": "float16", "loss": "focal"}, 1),
    ],
)
@pytest.mark.usefixtures("without_inductor")
def test_a_compiled_step_is_the_step_that_is_not(
    study_config: NewStudy, new_learner: NewLearner, training: dict[str, Any], accumulation: int
) -> None:
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0, 1.0, 1.0])
    build = partial(new_learner, class_weights=weights, accumulation=accumulation)
    plain = build(study_config(**training, compile="never"))
    fused = build(study_config(**training, compile="always"))
    torch.testing.assert_close(
        steps_of(fused, 16, 16, 11), steps_of(plain, 16, 16, 11), rtol=1e-3, atol=1e-3
    )
    ours, theirs = fused.state(), plain.state()
    assert ours["model"].keys() == theirs["model"].keys()
    torch.testing.assert_close(ours["model"], theirs["model"], rtol=1e-3, atol=1e-3)
    assert ours["scaler"] == theirs["scaler"]


@pytest.mark.usefixtures("without_inductor")
def test_a_backbone_learns_once_it_thaws() -> None:
    name, found = "tests.worker.models.small_network:SmallNetwork", []
    for way in ("never", "always"):
        torch.manual_seed(0)
        backbone = BackboneConfig(name=name, frozen_epochs=1)
        model = build_model(backbone, channels=1, image_size=8, n_classes=6)
        config = TrainingConfig.model_validate({"compile": way, "precision": "float32"})
        learner = Learner(model, config, device=CPU)
        for epoch in (0, 1):
            learner.begin_epoch(epoch)
            learner.step(IMAGES, LABELS, 0.01)
            found.append({key: value.clone() for key, value in model.state_dict().items()})
    frozen, thawed, *compiled = found
    torch.testing.assert_close(compiled, [frozen, thawed], rtol=1e-3, atol=1e-3)
    assert not thawed["network.first.0.weight"].equal(frozen["network.first.0.weight"])


@pytest.mark.usefixtures("without_inductor")
def test_a_compiled_trial_that_was_stopped_gives_the_numbers_of_an_undisturbed_one(
    new_trial: NewTrial,
) -> None:
    undisturbed, disturbed = (new_trial(epochs=2, compile="always") for _ in range(2))
    undisturbed.run()
    disturbed.run_in_legs([9])
    assert disturbed.numbers() == undisturbed.numbers()
    assert disturbed.steps == undisturbed.steps == 2 * 6


@pytest.mark.usefixtures("without_inductor")
def test_a_trial_goes_on_compiled_where_it_was_not(new_trial: NewTrial) -> None:
    plain = new_trial(epochs=2, precision="float32")
    mixed = new_trial(epochs=2, precision="float32")
    plain.run()
    mixed.run(stop_at=9)
    training = mixed.config.training.model_copy(update={"compile": "always"})
    mixed.config = mixed.config.model_copy(update={"training": training})
    mixed.run()
    assert [set(numbers) for numbers in mixed.numbers()] == [set(n) for n in plain.numbers()]
    for ours, theirs in zip(mixed.numbers(), plain.numbers(), strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-3)


def test_every_shape_is_compiled_by_itself_and_once(
    without_inductor: list[dict[str, Any]], study_config: NewStudy, new_learner: NewLearner
) -> None:
    torch._dynamo.utils.counters.clear()
    steps_of(new_learner(study_config(compile="always")), 16, 16, 11, 11, 16, 11)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2
    assert without_inductor == [{"dynamic": False, "mode": "default"}]


def test_on_a_gpu_whole_batches_are_replayed_as_graphs(
    without_inductor: list[dict[str, Any]],
) -> None:
    def doubled(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return (images * 2).sum(), targets

    gpu = torch.device("cuda")
    whole = forward.compiled(doubled, gpu, in_parts=False)
    forward.compiled(doubled, gpu, in_parts=True)
    assert [options["mode"] for options in without_inductor] == ["reduce-overhead", "default"]
    _, logits = whole(IMAGES, LABELS)
    assert logits.equal(LABELS)


def test_what_cannot_be_compiled_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    expected = r"training.compile=always needs a C\+\+ compiler \(no-such-compiler\), .* or never"
    with pytest.raises(ModelError, match=expected):
        Learner(nn.Linear(2, 2), TrainingConfig(compile="always"), device=CPU)


@pytest.mark.skipif(missing(CPU) is not None, reason=f"needs {missing(CPU)}")
def test_compiled_code_is_kept_in_the_folder_of_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "as it was when the test ends")
    keep_in(tmp_path, threads=1)
    weight = torch.ones(8, requires_grad=True)

    def scaled(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return (images * weight).sum(), targets

    # without vectors nothing is compiled to find out which there are
    with torch._inductor.config.patch({"cpp.simdlen": 1, "cpp_cache_precompile_headers": False}):
        loss, _ = forward.compiled(scaled, CPU, in_parts=False)(IMAGES, LABELS)
    loss.backward()
    torch.testing.assert_close(weight.grad, IMAGES.sum(dim=(0, 1, 2)))
    assert list(tmp_path.rglob("*.so"))


def test_a_compiler_is_looked_for_by_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.shutil, "which", lambda _name: None)
    monkeypatch.setattr(compiler, "find_spec", lambda _name: True)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler.Path, "exists", lambda _path: True)
    assert missing(CPU) == "a C++ compiler (g++)"
    assert missing(torch.device("cuda")) == "a C compiler (gcc or clang)"
    monkeypatch.setattr(compiler.Path, "exists", lambda _path: False)
    assert missing(CPU) == "Python.h (of the package python3-dev)"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.skipif(
    missing(torch.device("cuda")) is not None, reason=f"needs {missing(torch.device('cuda'))}"
)
@pytest.mark.parametrize("accumulation", [1, 2])
def test_graphs_of_a_gpu_train_as_the_model_as_it_is_written(accumulation: int) -> None:
    gpu, found = torch.device("cuda"), []
    for way in ("never", "always"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 6))
        config = TrainingConfig.model_validate({"compile": way, "precision": "float32"})
        learner = Learner(model, config, device=gpu, accumulation=accumulation)
        learner.begin_epoch(0)
        steps = [learner.step(IMAGES.to(gpu), LABELS.to(gpu), 0.01) for _ in range(5)]
        found.append((steps, learner.state()["model"]))  # the first logits are looked at last
    torch.testing.assert_close(found[1], found[0], rtol=1e-2, atol=1e-2)
