"""Memory of the embedded server grows with its data, and never beyond a quarter of the machine."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from careloop.db import memory


@given(st.integers(0, 10**7), st.integers(256, 10**7))
def test_memory_for_pages_lies_between_the_least_and_a_quarter_of_the_machine(data: int, machine: int) -> None:
    found = memory.shared_megabytes(data, machine)
    assert memory.LEAST_MEGABYTES <= found <= max(memory.LEAST_MEGABYTES, machine // 4)
    assert found <= memory.shared_megabytes(data + 1_000, machine)


def test_a_small_practice_takes_the_least_and_reads_nothing_ahead(tmp_path: Path) -> None:
    (tmp_path / "base" / "5").mkdir(parents=True)
    (tmp_path / "base" / "5" / "1").write_bytes(b"x" * 10_000)
    found = memory.settings_for(tmp_path)
    assert found == {"shared_buffers": "256MB", "effective_cache_size": "2048MB", "max_wal_size": "2048MB"}


def test_a_large_practice_has_its_pages_in_memory_again_after_a_start(tmp_path: Path) -> None:
    (tmp_path / "base" / "5").mkdir(parents=True)
    with (tmp_path / "base" / "5" / "1").open("wb") as file:
        file.truncate(4 << 30)
    found = memory.settings_for(tmp_path)
    assert int(found["shared_buffers"].removesuffix("MB")) > memory.LEAST_MEGABYTES
    assert found["pg_prewarm.autoprewarm"] == "on"
