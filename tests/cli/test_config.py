"""Settings: where they come from, which one wins, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from wend.config import ConfigError, load


def refused(**given: object) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(**given)  # type: ignore[arg-type]
    return error.value.problems


def test_the_command_line_wins_over_the_environment_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "wend.toml").write_text('port = 1\nworkers = 2\nlog_level = "debug"\n')
    config = load({"WEND_PORT": "3", "WEND_DATA": str(tmp_path), "WEND_WORKERS": "4"}, port=5)
    assert (config.port, config.workers, config.log_level, config.host) == (5, 4, "debug", "127.0.0.1")
    assert config.data == tmp_path


def test_a_misspelt_name_is_an_error_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "wend.toml").write_text("prot = 1\n")
    assert sorted(refused(environ={"WEND_PROT": "1"}, data=tmp_path)) == [
        f"{tmp_path / 'wend.toml'}: 'prot' is not a setting; did you mean 'port'?",
        "environment: WEND_PROT is not a setting; did you mean 'WEND_PORT'?",
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "70000", "0 to 65535 is allowed"),
        ("PORT", "eight", "a whole number is expected"),
        ("TRACK_OPENS", "maybe", "true or false is expected"),
        ("LOG_LEVEL", "inof", "did you mean 'info'?"),
        ("SCHEMA", "Wend; drop", "a-z, 0-9 and _"),
        ("ZONE", "Europe/Berlln", "not a time zone"),
    ],
)
def test_an_impossible_value_says_what_is_allowed(tmp_path: Path, name: str, value: str, said: str) -> None:
    (problem,) = refused(environ={f"WEND_{name}": value}, data=tmp_path)
    assert said in problem
    assert f"WEND_{name}" in problem


def test_a_file_is_refused_for_wrong_types_and_broken_toml(tmp_path: Path) -> None:
    (tmp_path / "wend.toml").write_text('port = "80"\ntrack_opens = 1\nhost = 3\ndata = "x"\n')
    found = refused(environ={}, data=tmp_path)
    assert len(found) == 4
    (tmp_path / "wend.toml").write_text("port = ")
    assert len(refused(environ={}, data=tmp_path)) == 1


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    config = load({"WEND_PASSWORD": "hush", "WEND_DATABASE_URL": "postgresql://u:hush@h/d"}, data=tmp_path)
    assert "hush" not in repr(config)
