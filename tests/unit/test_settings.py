"""Settings: from options, environment, file, default, in this order."""

from pathlib import Path

import pytest

from careloop.errors import ContentError
from careloop.settings import Settings, default_data_dir, load_settings, settings_page

ROOT = Path(__file__).parents[2]


def test_an_option_wins_over_the_environment_which_wins_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "careloop.toml"
    config.write_text('port = 1\nhost = "file"\nlog_level = "debug"\n')
    found = load_settings(config, {"CARELOOP_PORT": "2", "CARELOOP_HOST": "environment"}, port=3)
    assert (found.port, found.host, found.log_level) == (3, "environment", "debug")


def test_database_url_is_understood_under_its_usual_name() -> None:
    assert load_settings(environment={"DATABASE_URL": "postgresql://x"}).database_url == "postgresql://x"
    assert load_settings(environment={"DATABASE_URL": ""}).is_embedded


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "careloop.toml"
    config.write_text('prot = 1\nport = "many"\n')
    with pytest.raises(ContentError) as caught:
        load_settings(config, {})
    assert [fault.at for fault in caught.value.faults] == ["prot", "port"]
    assert "many" not in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="TOML"):
        load_settings(tmp_path / "missing.toml", {})


def test_an_option_that_was_not_given_changes_nothing() -> None:
    assert load_settings(environment={}, port=None, data_dir=None) == Settings()


def test_without_a_home_there_is_still_a_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nobody)
    assert default_data_dir() == Path("/var/lib/careloop")


def test_the_page_of_settings_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == settings_page(), "run: PYTHONPATH=src python -m tools.settings_page"
