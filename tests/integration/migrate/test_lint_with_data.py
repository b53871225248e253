"""`repot migrate lint --database`: texts, data and squawk together, each thing said once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repot.cli.main import app
from repot.folder.settings import Settings, read_settings
from repot.model.errors import UsageError
from repot.model.names import Name
from support.folders import load, write


def _codes(*words: str) -> list[str]:
    done = CliRunner().invoke(app, ["migrate", "lint", *words, "--json"])
    return [f["code"] for f in json.loads(done.stdout)["findings"]]


def test_the_data_answer_the_texts(database: str, tmp_path: Path) -> None:
    load(database, "create table t (id int); insert into t values (1)")
    write(
        tmp_path / "m",
        [
            "create table t (id int);",
            "alter table t add column x text not null;",
        ],
    )
    folder = str(tmp_path / "m")
    assert "not-null-without-default" in _codes(folder, "--no-squawk")
    assert not [c for c in _codes(folder, "--no-squawk") if c.startswith("squawk-")]
    assert "squawk-adding-required-field" in _codes(folder)
    with_data = _codes(folder, "--database", database, "--no-squawk")
    assert "add-column-without-default" in with_data
    assert "not-null-without-default" not in with_data


def test_keep_is_read_from_the_project(database: str, tmp_path: Path) -> None:
    load(database, 'create table "Order" (id int); insert into "Order" values (1)')
    (tmp_path / "repot.toml").write_text('[migrations]\nkeep = ["Order"]\n')
    write(tmp_path / "migrations", ['truncate "Order";'])
    for place in (tmp_path, tmp_path / "migrations"):
        codes = _codes(str(place), "--database", database, "--no-squawk")
        assert "cascade-reaches-kept" in codes


def test_what_keep_means() -> None:
    kept = Settings(keep=("Order", "auth.users"))
    assert kept.kept(Name(schema_="any", name="Order"))
    assert kept.kept(Name(schema_="auth", name="users"))
    assert not kept.kept(Name(schema_="public", name="users"))
    assert not kept.kept(Name(schema_="public", name="order"))


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "repot.toml").write_text('[migrations]\nkeep = "Order"\n')
    with pytest.raises(UsageError) as wrong:
        read_settings(tmp_path)
    assert wrong.value.code == "settings-invalid"
    (tmp_path / "repot.toml").write_text("[migrations\n")
    with pytest.raises(UsageError):
        read_settings(tmp_path)
