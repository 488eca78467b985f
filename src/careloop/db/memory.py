"""How much memory the embedded server takes for its pages: by the size of the data that it holds.

A small practice needs no more than the least. A large one whose rows lie in the page cache of the machine alone loses
them whenever the machine wants that memory back, and each page that then comes from the disk costs some ten times what
it costs to use it (decision 0267). PostgreSQL's own advice for a machine of its own is a quarter of its memory; never
more than that is taken. The log between two checkpoints grows alike: after each checkpoint the first change of a page
writes the whole page, so that a large piece of work among many checkpoints writes the same pages again and again.
"""

import os
from pathlib import Path

LEAST_MEGABYTES = 256
_PART_OF_DATA, _PART_OF_MACHINE = 4, 4
_MEGABYTE = 1 << 20
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def settings_for(data: Path) -> dict[str, str]:
    """Settings of a server that is about to start on this folder; beyond the least it also reads again, after a start,
    the pages that it held when it was stopped."""
    held = _size_of(data / "base") // _MEGABYTE
    megabytes = shared_megabytes(held, _memory() // _MEGABYTE)
    sizes = {
        "shared_buffers": f"{megabytes}MB",
        "effective_cache_size": f"{max(2048, 2 * megabytes)}MB",
        "max_wal_size": f"{max(2048, megabytes)}MB",
    }
    if megabytes == LEAST_MEGABYTES:
        return sizes
    return sizes | {"shared_preload_libraries": "pg_prewarm", "pg_prewarm.autoprewarm": "on"}


def shared_megabytes(data: int, machine: int) -> int:
    """Megabytes for pages in memory, for so many of data on a machine with so many in all."""
    return max(LEAST_MEGABYTES, min(data // _PART_OF_DATA, machine // _PART_OF_MACHINE))


def _size_of(folder: Path) -> int:
    """Bytes of all files below; a file that goes meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _memory() -> int:
    """Bytes of memory of the machine, or of the container where that has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdecimal() else machine
