"""A real HTTP client against the dashboard on a real PostgreSQL."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import optuna
import pytest
from sqlalchemy.engine import URL

from coordinator.dashboard import cookie_name, dashboard, given_token
from study.errors import UsageError


@pytest.fixture
def storage(postgres_url: URL) -> Iterator[optuna.storages.RDBStorage]:
    storage = optuna.storages.RDBStorage(postgres_url.render_as_string(hide_password=False))
    study = optuna.create_study(storage=storage, study_name="birds", direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=0.5))
    yield storage
    storage.remove_session()
    storage.engine.dispose()


class Visitor:
    """An HTTP client that keeps no cookies by itself."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.place = (parts.hostname, parts.port)
        self.path = parts.path
        self.token = parts.query.removeprefix("token=")

    def ask(
        self, method: str, path: str, cookie: str = "", body: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(*self.place, timeout=30)
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, {**headers, "Cookie": cookie})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def cookie(self) -> str:
        answer, _ = self.ask("GET", f"{self.path}?token={self.token}")
        return (answer.getheader("Set-Cookie") or "").split(";")[0]


@contextmanager
def visiting(
    storage: optuna.storages.RDBStorage,
    *,
    study_id: int | None = None,
    token: str | None = None,
    writable: bool = False,
) -> Iterator[Visitor]:
    opened = dashboard(storage, study_id=study_id, token=token, writable=writable)
    with opened as (server, url):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Visitor(url)
        finally:
            server.shutdown()
            thread.join()


def test_the_printed_url_opens_the_studys_page(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage, study_id=1) as visitor:
        answer, _ = visitor.ask("GET", f"{visitor.path}?token={visitor.token}&tab=2")
        assert (answer.status, answer.getheader("Location")) == (303, "/dashboard/studies/1?tab=2")
        given = answer.getheader("Set-Cookie") or ""
        assert "HttpOnly" in given
        assert "SameSite" in given
        page, content = visitor.ask("GET", "/dashboard/studies/1", given.split(";")[0])
        assert page.status == 200
        assert b"<html" in content.lower()


def test_the_studies_are_those_of_the_database(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage) as visitor:
        answer, content = visitor.ask("GET", "/api/studies", visitor.cookie())
        assert answer.status == 200
        assert [study["study_name"] for study in json.loads(content)["study_summaries"]] == [
            "birds"
        ]


@pytest.mark.parametrize("cookie", ["", "hpo-dashboard=x", "{name}=wrong", "{name}=", "\x01=;;"])
def test_without_the_token_nothing_is_shown(
    storage: optuna.storages.RDBStorage, cookie: str
) -> None:
    with visiting(storage) as visitor:
        name = cookie_name(visitor.token)
        for path in ("/", "/dashboard", "/api/studies", "/dashboard?token=wrong", "/?token=%FF"):
            answer, content = visitor.ask("GET", path, cookie.format(name=name))
            assert answer.status == 401
            assert b"birds" not in content
            assert visitor.token.encode() not in content


def test_read_only_refuses_to_write(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage) as visitor:
        cookie = visitor.cookie()
        assert visitor.ask("DELETE", "/api/studies/1", cookie)[0].status == 403
        body = json.dumps({"study_name": "new", "directions": ["minimize"]})
        assert visitor.ask("POST", "/api/studies", cookie, body)[0].status == 403
        assert visitor.ask("POST", "/api/studies", "", body)[0].status == 401
    assert optuna.get_all_study_names(storage) == ["birds"]


def test_a_writable_dashboard_writes(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage, writable=True) as visitor:
        body = json.dumps({"study_name": "new", "directions": ["minimize"]})
        assert visitor.ask("POST", "/api/studies", visitor.cookie(), body)[0].status == 201
    assert optuna.get_all_study_names(storage) == ["birds", "new"]


def test_the_way_in_never_leads_to_another_host(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage) as visitor:
        answer, _ = visitor.ask("GET", f"//evil.example/?token={visitor.token}")
        assert answer.getheader("Location") == "/evil.example/"
        answer, _ = visitor.ask("GET", f"/a%0d%0aX-Added:%20b?token={visitor.token}")
        assert answer.getheader("Location") == "/a%0D%0AX-Added%3A%20b"
        assert answer.getheader("X-Added") is None


def test_a_taken_port_is_named(storage: optuna.storages.RDBStorage) -> None:
    with visiting(storage) as visitor:
        port = visitor.place[1]
        assert port is not None
        with pytest.raises(UsageError, match=f"--port {port}"), dashboard(storage, port=port):
            pass


def test_two_dashboards_behind_forwards_of_one_host_do_not_share_a_cookie(
    storage: optuna.storages.RDBStorage,
) -> None:
    with visiting(storage) as first, visiting(storage) as second:
        both = f"{first.cookie()}; {second.cookie()}"
        for visitor in (first, second):
            assert visitor.ask("GET", "/api/studies", both)[0].status == 200


def test_a_given_token_lets_in_and_is_not_in_the_url_that_goes_into_logs(
    storage: optuna.storages.RDBStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-that-several-share\n")
    monkeypatch.setenv("HPO_DASHBOARD_TOKEN_FILE", str(file))
    token = given_token()
    with visiting(storage, token=token) as visitor:
        assert visitor.token == ""
        answer, _ = visitor.ask("GET", f"/dashboard?token={token}")
        assert answer.status == 303


@pytest.mark.parametrize("content", ["", "short", "a token with spaces in it"])
def test_a_token_that_is_no_lock_is_refused_and_not_repeated(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dashboard"
    file.write_text(content)
    monkeypatch.setenv("HPO_DASHBOARD_TOKEN_FILE", str(file))
    with pytest.raises(UsageError, match="at least 16") as raised:
        given_token()
    assert content == "" or content not in str(raised.value)


def test_a_token_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPO_DASHBOARD_TOKEN_FILE", "/no/such/file")
    with pytest.raises(UsageError, match="/no/such/file"):
        given_token()
