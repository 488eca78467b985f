"""What `serve` decides before it starts anything."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from careloop.cli.serve import Site, check_port_is_free, chosen_parts, clock_of, forget
from careloop.errors import Rejected, Unavailable
from careloop.settings import Settings, child_environment, load_settings


def site(port: int, host: str = "127.0.0.1") -> Site:
    return Site(settings=Settings(host=host, port=port), ready_file=None, parts=("web",))


def test_parts_are_chosen_by_name() -> None:
    assert chosen_parts(None) == ("web", "worker", "mllp")
    assert chosen_parts("worker,mllp") == ("worker", "mllp")
    with pytest.raises(Rejected):
        chosen_parts("web,fax")


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23", "2026-11-23T09:00:00"])
def test_a_clock_needs_an_instant_with_its_offset(text: str) -> None:
    with pytest.raises(Rejected):
        clock_of(text)


def test_a_clock_starts_at_its_instant() -> None:
    instant = datetime(2030, 3, 8, 16, tzinfo=UTC)
    assert abs(clock_of("2030-03-08T11:00:00-05:00").now() - instant) < timedelta(seconds=5)
    assert not clock_of(None).is_moved


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="cannot be used"):
            check_port_is_free(site(taken.getsockname()[1]))


def test_the_address_for_people_is_one_that_they_can_open() -> None:
    assert site(8000, "0.0.0.0").url == "http://127.0.0.1:8000"


def test_an_old_ready_file_is_removed(tmp_path: Path) -> None:
    old = tmp_path / "ready.json"
    old.write_text("{}")
    forget(old)
    assert not old.exists()
    forget(old)


def test_a_child_gets_exactly_the_settings_of_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_PORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    chosen = Settings(data_dir=Path("/data"), port=2, log_level="debug")
    assert load_settings(environment=child_environment(chosen)) == chosen
