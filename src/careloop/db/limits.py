"""What this machine and this server could do at best with the same data: the limits that benchmarks compare with."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from careloop.db.cluster import Cluster, processes_on


def plain_copy_seconds(owner_url: str, texts: Sequence[str]) -> float:
    """Seconds of COPY of these texts into a plain table: no index, no policy, one commit."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("create table limit_copy (body text)")
        started = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("copy limit_copy from stdin") as copy:
            for text in texts:
                copy.write_row((text,))
        connection.commit()
        seconds = time.perf_counter() - started
        connection.execute("drop table limit_copy")
    return seconds


def plain_commit_seconds(owner_url: str, texts: Sequence[str]) -> float:
    """Seconds to insert these texts one after the other into a plain table, each with its own durable commit."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create table limit_commit (body text)")
        started = time.perf_counter()
        for text in texts:
            connection.execute("insert into limit_commit values (%s)", (text,))
        seconds = time.perf_counter() - started
        connection.execute("drop table limit_commit")
    return seconds


def vacuum(owner_url: str) -> None:
    """What autovacuum does in its time after a load is done: pages are known to be visible to all, statistics taken."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")


def sessions(owner_url: str) -> dict[int, str]:
    """The `application_name` of every session of the server, by its process."""
    with psycopg.connect(owner_url) as connection:
        return dict(connection.execute("select pid, application_name from pg_stat_activity").fetchall())


def server_cpu_seconds(cluster: Cluster) -> float:
    """CPU time that the embedded server and its processes have used so far, those that ended included."""
    ticks = 0
    for pid in processes_on(cluster.data):
        try:
            words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        ticks += int(words[11]) + int(words[12])
        if _is_postmaster(cluster, pid):
            ticks += int(words[13]) + int(words[14])
    return ticks / os.sysconf("SC_CLK_TCK")


def _is_postmaster(cluster: Cluster, pid: int) -> bool:
    state = cluster.read_state()
    return state is not None and state.postmaster_pid == pid
