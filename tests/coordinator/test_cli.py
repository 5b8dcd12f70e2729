"""`hpo` as a person runs it: a process of its own on a real PostgreSQL."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from study import exit_codes
from study.config.dump import dump
from study.config.records import StudyConfig
from study.registry import RegisteredStudy, Registry
from tests.worker.data.pictures import flowers, write_tree

from .conftest import Past

HPO = Path(sys.executable).with_name("hpo")

Hpo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hpo(registry: Registry, home: Path) -> Hpo:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        url = registry.url.render_as_string(hide_password=False)
        return subprocess.run(
            [str(HPO), *arguments],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "HPO_STORAGE": url,
                "HPO_BACKEND": "local",
                "COLUMNS": "200",
                **environment,
            },
            cwd=home,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("submit", "birds", "--workers", "0"), "--workers must be at least 1, got 0"),
        (
            ("submit", "birds", "--backend", "locl"),
            "no back end 'locl'; did you mean local? valid:",
        ),
        (("submit", "no-such"), "configs/no-such.yaml: no such study"),
        (("scale", "birds", "0"), "N must be at least 1, got 0"),
        (("status", "finches"), "there is no study 'finches' in the database; there are: birds"),
        (("resume", "birds", "training.epochs=9"), "training.epochs: 2 there, 9 here"),
        (("resume", "birds", "search.budget.trails=9"), "trials"),
        (("train", "birds", "--trial", "9"), "study 'birds' has no trial 9; there are: none"),
        (("train", "no-such"), "configs/no-such.yaml: no such study"),
        (("rollback", "birds"), "nothing is promoted"),
        (("rollback", "../birds"), "STUDY must be 1 to 50 lower-case letters"),
        (("status", "mine/birds.yaml"), "`name` in its file), got 'mine/birds.yaml'"),
        (("logs", "x" * 300), "STUDY must be 1 to 50 lower-case letters"),
        (("status", "\udcff"), "STUDY must be 1 to 50 lower-case letters"),
        (("scale", "birds", "99999999999999"), "N must be at most 10,000"),
        (("submit", "./" + "x" * 300), "cannot be read: File name too long"),
        (("submit", "a\nb"), r"configs/a\nb.yaml: no such study"),
        (("logs", "birds"), "no worker has run here, so there is no log"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    hpo: Hpo, study: RegisteredStudy, arguments: tuple[str, ...], said: str
) -> None:
    assert study.name == "birds"
    ended = hpo(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("hpo: ")
    assert said in ended.stderr


def test_a_verb_for_a_model_is_the_workers_with_its_options_and_exit_status(
    hpo: Hpo, home: Path
) -> None:
    shown = hpo("predict", "--help").stdout
    assert "Usage: hpo predict " in shown
    assert "--csv" in shown
    ended = hpo("predict", "birds", "a.png", "--csv", "b.csv")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"hpo: {home}/artifacts: no promoted model of a study 'birds'")


def test_the_verb_for_a_studys_pictures_is_the_workers(hpo: Hpo, home: Path) -> None:
    shown = hpo("data", "inspect", "--help").stdout
    assert "Usage: hpo data inspect " in shown
    assert "--features" in shown
    ended = hpo("data", "inspect", "no-such")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "hpo: configs/no-such.yaml: no such study\n"
    assert not (home / "artifacts").exists()


def test_a_status_without_studies_names_the_first_step(hpo: Hpo) -> None:
    assert hpo("status").stdout == "there are no studies yet: make submit STUDY=fashion\n"


def test_a_study_of_the_same_name_is_refused_before_its_pictures_are_looked_at(
    hpo: Hpo, study: RegisteredStudy, home: Path
) -> None:
    other = study.config.model_copy(
        update={"training": study.config.training.model_copy(update={"epochs": 5})}
    )
    file = home / "birds.yaml"
    file.write_text(dump(other))
    ended = hpo("submit", str(file))
    assert ended.returncode == 2
    assert "training.epochs: 2 there, 5 here" in ended.stderr
    assert "name=" in ended.stderr
    assert "/birds" not in ended.stderr


def test_missing_pictures_are_refused_and_no_study_is_made(
    hpo: Hpo, registry: Registry, config: StudyConfig, home: Path
) -> None:
    file = home / "birds.yaml"
    file.write_text(dump(config))
    ended = hpo("submit", str(file))
    assert ended.returncode == 2
    assert "/birds" in ended.stderr
    assert registry.names() == []
    assert not (home / "artifacts").exists()


def test_an_unreachable_database_is_named_without_its_password(hpo: Hpo) -> None:
    ended = hpo("status", HPO_STORAGE="postgresql://hpo:secret@127.0.0.1:1/hpo")
    assert ended.returncode == 2
    assert "127.0.0.1:1/hpo" in ended.stderr
    assert "secret" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_status_and_best_show_a_study(hpo: Hpo, past: Past) -> None:
    past.end(0.25)
    assert "birds" in hpo("status").stdout
    assert "1/6 trials (1 complete)" in hpo("status", "birds").stdout
    assert "trial 0: validation accuracy 0.2500" in hpo("best", "birds").stdout


def test_a_verb_that_finds_nothing_to_work_on_ends_with_status_1(
    hpo: Hpo, study: RegisteredStudy
) -> None:
    for verb in ("best", "promote"):
        ended = hpo(verb, study.name)
        assert ended.returncode == 1
        assert "no trial of study 'birds' is complete" in ended.stderr


def test_scale_and_stop_are_kept_with_the_study(
    hpo: Hpo, registry: Registry, study: RegisteredStudy
) -> None:
    assert hpo("scale", study.name, "5").returncode == 0
    assert registry.find(study.name).workers == 5
    ended = hpo("stop", study.name)
    assert "make resume STUDY=birds" in ended.stdout
    assert registry.find(study.name).stopped


def test_the_help_tells_every_verb_whole_on_80_columns(hpo: Hpo) -> None:
    _, verbs = hpo("--help", COLUMNS="80").stdout.split("Commands:\n")
    assert "submit" in verbs
    assert "..." not in verbs


def test_the_report_is_where_it_says(hpo: Hpo, past: Past) -> None:
    past.end(0.25)
    ended = hpo("report", "birds")
    assert Path(ended.stdout.strip()).is_file()


def test_the_report_goes_where_it_is_asked_to(hpo: Hpo, past: Past, home: Path) -> None:
    past.end(0.25)
    assert hpo("report", "birds", "--output", "a/page.html").stdout.strip() == "a/page.html"
    assert (home / "a" / "page.html").read_text().startswith("<!doctype html>")
    ended = hpo("report", "birds", "--output", "page.html", "--print")
    assert (ended.returncode, ended.stdout) == (2, "")


def test_the_best_trial_is_written_as_a_configuration_once(
    hpo: Hpo, past: Past, home: Path
) -> None:
    past.end(0.25)
    assert "written: best.yaml" in hpo("best", "birds", "--write", "best.yaml").stdout
    assert "# The best of study birds: trial 0 of 1" in (home / "best.yaml").read_text()
    ended = hpo("best", "birds", "--write", "best.yaml")
    assert ended.returncode == 2
    assert "best.yaml: exists" in ended.stderr
    assert hpo("best", "birds", "--write", "best.yaml", "--force").returncode == 0


def test_a_place_that_cannot_be_written_to_is_named_before_a_study_is_made(
    hpo: Hpo, registry: Registry, config: StudyConfig, home: Path
) -> None:
    file = home / "birds.yaml"
    pictures = write_tree(home / "pictures", flowers(4))
    file.write_text(dump(config))
    ended = hpo("submit", str(file), "--data", str(pictures), HPO_ARTIFACTS=str(file))
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [f"hpo: {file}/{config.name}: Not a directory"]
    assert registry.names() == []


def test_a_home_that_cannot_be_made_is_named(hpo: Hpo, home: Path) -> None:
    file = home / "file"
    file.write_bytes(b"")
    ended = hpo("status", HPO_STORAGE="", HPO_HOME=str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [f"hpo: {file}: File exists"]


def test_the_dashboard_of_several_people_says_where_and_not_its_token(
    study: RegisteredStudy, registry: Registry, home: Path
) -> None:
    token = home / "token"
    token.write_text("a-token-that-several-share")
    options = ["--backend", "local", "--host", "0.0.0.0", "--port", "0"]
    process = subprocess.Popen(
        [str(HPO), "dashboard", study.name, *options],
        env={
            **os.environ,
            "HPO_STORAGE": registry.url.render_as_string(hide_password=False),
            "HPO_DASHBOARD_TOKEN_FILE": str(token),
            "COLUMNS": "200",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = urlsplit(process.stdout.readline().strip())
    assert (url.path, url.query) == (f"/dashboard/studies/{study.study_id}", "")
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=30)
    connection.request("GET", f"{url.path}?token={token.read_text()}")
    assert connection.getresponse().status == 303
    connection.close()
    process.terminate()
    printed, errors = process.communicate(timeout=30)
    assert process.returncode == exit_codes.PREEMPTED
    assert token.read_text() not in printed + errors


def test_a_plan_tells_space_trials_and_pictures_and_makes_no_study(
    hpo: Hpo, registry: Registry, config: StudyConfig, home: Path
) -> None:
    file = home / "birds.yaml"
    pictures = write_tree(home / "pictures", flowers(20))
    file.write_text(dump(config))
    ended = hpo("plan", str(file), "--data", str(pictures), "--no-measure")
    assert "training.learning_rate" in ended.stdout
    assert "trials: 6 of at most 2 epochs" in ended.stdout
    assert " to train on, " in ended.stdout
    assert "submit would create study birds" in ended.stdout
    assert registry.names() == []
