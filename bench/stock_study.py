"""A search as Optuna's own PyTorch example is written: what bench/whole_study.py compares with.

    python bench/stock_study.py FOLDER --size 64 --trials 10 --epochs 5 --seed 0

One process, study.optimize, DataLoader over JPEG files in FOLDER/train and FOLDER/val. Stands
alone: it imports nothing of this project. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import optuna
import torch
from torch import nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BATCH = 64

Loader = DataLoader[Any]


def define_model(trial: optuna.Trial, size: int, classes: int) -> nn.Module:
    n_layers = trial.suggest_int("n_layers", 2, 4)
    layers: list[nn.Module] = []
    channels = 3
    for layer in range(n_layers):
        filters = trial.suggest_categorical(f"n_filters_{layer}", [16 << layer, 32 << layer])
        layers += [
            nn.Conv2d(channels, filters, 3, padding=1),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = filters
    side = size >> n_layers
    fc_size = trial.suggest_int("fc_size", 64, 256, step=64)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    layers += [
        nn.Flatten(),
        nn.Linear(channels * side * side, fc_size),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(fc_size, classes),
    ]
    return nn.Sequential(*layers)


def get_loaders(folder: str, size: int, workers: int) -> tuple[Loader, Loader, int]:
    train = datasets.ImageFolder(
        f"{folder}/train",
        transforms.Compose(
            [
                transforms.RandomResizedCrop(size, (0.5, 1.0)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        ),
    )
    val = datasets.ImageFolder(
        f"{folder}/val",
        transforms.Compose(
            [
                transforms.Resize(size),
                transforms.CenterCrop(size),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        ),
    )
    return (
        DataLoader(train, batch_size=BATCH, shuffle=True, num_workers=workers),
        DataLoader(val, batch_size=BATCH, num_workers=workers),
        len(train.classes),
    )


def train_epoch(model: nn.Module, loader: Loader, optimizer: optim.Optimizer) -> None:
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        output = model(data.to(DEVICE))
        loss = functional.cross_entropy(output, target.to(DEVICE))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def validate(model: nn.Module, loader: Loader) -> float:
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for data, target in loader:
            predicted = model(data.to(DEVICE)).argmax(dim=1)
            correct += (predicted == target.to(DEVICE)).sum().item()
            total += len(target)
    return correct / total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()

    def objective(trial: optuna.Trial) -> float:
        torch.manual_seed(args.seed)
        train_loader, val_loader, classes = get_loaders(args.folder, args.size, args.workers)
        model = define_model(trial, args.size, classes).to(DEVICE)
        lr = trial.suggest_float("lr", 1e-4, 1e-2, log=True)
        optimizer = optim.AdamW(model.parameters(), lr=lr)
        best = 0.0
        for epoch in range(args.epochs):
            train_epoch(model, train_loader, optimizer)
            accuracy = validate(model, val_loader)
            best = max(best, accuracy)
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return best

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=args.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )
    study.optimize(objective, n_trials=args.trials)
    states = [trial.state.name for trial in study.trials]
    begun = [trial.datetime_start for trial in study.trials if trial.datetime_start]
    ended = [trial.datetime_complete for trial in study.trials if trial.datetime_complete]
    print(  # noqa: T201
        json.dumps(
            {
                "best": study.best_value,
                "pruned": states.count("PRUNED"),
                "training_seconds": (max(ended) - min(begun)).total_seconds(),
            }
        )
    )


if __name__ == "__main__":
    main()
