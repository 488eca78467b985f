"""Facts about the installation that all of its processes share: its clock, and which processes are at work."""

from datetime import timedelta

from careloop.db.pool import Transaction


def read_clock_offset(tx: Transaction) -> timedelta:
    """How far the product's time is ahead of the system's."""
    return timedelta(seconds=float(tx.value("select clock_offset_seconds from instance")))


def write_clock_offset(tx: Transaction, offset: timedelta) -> None:
    """Processes that start from now on live at this offset."""
    tx.execute("update instance set clock_offset_seconds = %s", (offset.total_seconds(),))


def note_at_work(tx: Transaction, process: str, pid: int) -> None:
    """This process is at work now, by the database's clock."""
    tx.execute(
        "insert into process (name, pid, seen) values (%s, %s, clock_timestamp())"
        " on conflict (name) do update set pid = excluded.pid, seen = excluded.seen",
        (process, pid),
    )


def seconds_since_at_work(tx: Transaction) -> dict[str, float]:
    """For each process that was ever at work, how long ago it last said so."""
    rows = tx.rows("select name, extract(epoch from clock_timestamp() - seen)::float8 as seconds from process")
    return {str(row["name"]): float(row["seconds"]) for row in rows}


def applied_migrations(tx: Transaction) -> list[int]:
    """Numbers of the migrations that this database has."""
    return [int(row["number"]) for row in tx.rows("select number from migration order by number")]
