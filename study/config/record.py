"""What every record of a study's configuration has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen; an unknown key is an error; NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def default(record: type[BaseModel], name: str) -> Any:
    """Of a field; None where it has none."""
    field = record.model_fields.get(name)
    if field is None or field.is_required():
        return None
    return field.get_default(call_default_factory=True)
