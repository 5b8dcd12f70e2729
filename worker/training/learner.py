"""A model with all that changes it: one call is one optimizer step.

Knows nothing of epochs, data sets and files.
"""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from study.config.training import TrainingConfig
from worker.models.backbone import begin_epoch
from worker.models.precision import resolve_precision
from worker.training.forward import as_written, compiled
from worker.training.loss import Loss
from worker.training.optimizer import build_optimizer


class Learner:
    """Owns the model's weights. Not thread-safe."""

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        *,
        device: torch.device,
        class_weights: Tensor | None = None,
        accumulation: int = 1,
    ) -> None:
        """class_weights: (n_classes,) float32, None for equal ones.

        accumulation: parts a batch is split into, one in memory at a time. The gradient stays that
        of the whole batch; batch normalisation sees the parts.
        """
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device
        self._accumulation = accumulation
        weights = class_weights.to(device) if class_weights is not None else None
        self._loss = Loss(config, weights)
        self.begin_stage(config)

    def begin_stage(self, config: TrainingConfig) -> None:
        """From here on trains as `config` says, with a fresh optimizer: its moments are of other
        gradients, and after `resume: best` of other weights. Raises ModelError where it is to be
        compiled and cannot be.

        What is left open is decided by the worker (worker/step/); here `precision: auto` is
        what the device suggests, and `compile: auto` compiles nothing.
        """
        self.dtype = resolve_precision(config.precision, self._device)
        self._config = config
        self._forward = as_written(self.model, self._loss, self._device, self.dtype)
        if config.compile == "always":
            in_parts = self._accumulation > 1
            self._forward = compiled(self._forward, self._device, in_parts=in_parts)
        self._optimizer = build_optimizer(self.model, config)
        # float16 gradients below 6e-8 vanish unless the loss is scaled up; bfloat16 has float32's
        # range and needs nothing.
        scaled = self.dtype == torch.float16
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=scaled)

    def begin_epoch(self, epoch: int) -> None:
        """Before the first step of an epoch, from 0, that this process does."""
        begin_epoch(self.model, epoch)

    def step(self, images: Tensor, labels: Tensor, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Updates the weights and returns the batch's mean loss, () float32, and the logits it is
        of, (B, n_classes) float32; both on the device.

        images: (B, C, S, S) float32, channels_last; labels: (B,) int64 or shares of classes
        (B, n_classes) float32; both on the device. learning_rate: of the last layers; a backbone's
        others have their part of it.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate * group["rate"]
        weight = self._loss.weight(labels)
        loss = torch.zeros((), device=self._device)
        parts, outputs = self._accumulation, []
        for part, part_labels in zip(images.chunk(parts), labels.chunk(parts), strict=True):
            part_loss, logits = self._forward(part, part_labels)
            part_loss = part_loss / weight
            self._scaler.scale(part_loss).backward()  # type: ignore[no-untyped-call]
            loss += part_loss.detach()
            outputs.append(logits)
        if self._config.gradient_clip is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self._config.gradient_clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return loss, outputs[0] if parts == 1 else torch.cat(outputs)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on: plain values and tensors on the CPU, copies that the
        next step does not change."""
        on_gpu = self._device.type == "cuda"
        state = {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self._device) if on_gpu else None,
        }
        return {name: _copied(value) for name, value in state.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Goes back to what `state()` returned, here or on another device."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._scaler.is_enabled() and state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["rng"])
        if self._device.type == "cuda" and state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(state["cuda_rng"], self._device)

    def leave_device(self) -> None:
        """Gives its memory there back; only `state` can be asked for from now on."""
        self.model.to("cpu")
        for moments in self._optimizer.state.values():
            tensors = {name: value for name, value in moments.items() if isinstance(value, Tensor)}
            moments.update({name: value.to("cpu") for name, value in tensors.items()})
        if self._config.compile == "always":
            torch.compiler.reset()  # graphs keep the memory they are replayed in
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _copied(value: Any) -> Any:
    """With tensors on the CPU, of their own memory."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        copied = copy(value)  # with the versions that a module's state says of its parts
        copied.update({name: _copied(part) for name, part in value.items()})
        return copied
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    return deepcopy(value)
