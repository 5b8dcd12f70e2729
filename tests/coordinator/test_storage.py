"""The database as a service finds it, on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from coordinator import storage
from coordinator.storage import awaited_storage
from study.errors import UsageError


def test_a_service_waits_for_its_database_and_says_so_once(
    postgres_url: URL, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PAUSE", 0.01)
    file = home / "storage"
    file.write_text("postgresql://hpo:secret@127.0.0.1:1/hpo")
    monkeypatch.setenv("HPO_STORAGE_FILE", str(file))
    said: list[str] = []

    def the_database_comes(text: str) -> None:
        said.append(text)
        file.write_text(postgres_url.render_as_string(hide_password=False))

    with awaited_storage(the_database_comes) as (registry, server):
        assert registry.names() == []
        assert server is None
    assert len(said) == 1
    assert "127.0.0.1:1" in said[0]
    assert "secret" not in said[0]


@pytest.mark.usefixtures("home")
def test_a_service_starts_no_database_of_its_own() -> None:
    with pytest.raises(UsageError, match="HPO_STORAGE_FILE"), awaited_storage(print):
        pass
