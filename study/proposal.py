"""What a sampler suggests for a trial, held back until all of it is stored in one transaction.

Optuna stores every parameter in a transaction of its own: for ten of them 0.05 s on a quiet machine
in which the device has nothing to do. Knows nothing of samplers and of leases.
"""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage

from study.statements import STATEMENTS


class Proposal:
    """Stands between an optuna.trial.Trial and its storage; reads, and all other writes, go
    through."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self._held: dict[str, tuple[float, BaseDistribution]] = {}

    def set_trial_param(
        self,
        _trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """See optuna.storages.BaseStorage."""
        self._held[param_name] = param_value_internal, distribution

    def store(self, trial_id: int) -> None:
        """Stores what is held. What others have stored by now stays, and so does a trial that has
        ended."""
        if not self._held:
            return
        values, distributions = zip(*self._held.values(), strict=True)
        engine = self._storage._backend.engine  # type: ignore[attr-defined]  # below Optuna's cache
        with engine.begin() as tx:
            tx.execute(
                STATEMENTS["parameters"],
                {
                    "trial_id": trial_id,
                    "names": list(self._held),
                    "internal": list(map(float, values)),
                    "distributions": list(map(distribution_to_json, distributions)),
                },
            )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)
