"""What `manage.py doctor` asks the database server: can it keep what it says, and serve us all?"""

from config.database import direct
from config.doctor import Result, check

MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")
LEAST_FREE_CONNECTIONS = 10


@check("primary")
def primary() -> Result:
    """We write: a standby, or a database that only reads, is the wrong one."""
    with direct() as connection:
        row = connection.execute(
            "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'"
        ).fetchone()
    is_standby, reads_only = row or (False, False)
    if is_standby:
        remedy = (
            "Name the primary, or every server with target_session_attrs: "
            "postgresql://...@a,b/watchbill?target_session_attrs=read-write"
        )
        return Result(False, "DATABASE_URL leads to a standby, which only reads", remedy)
    if reads_only:
        remedy = "ALTER ROLE ... or ALTER DATABASE ... RESET default_transaction_read_only;"
        return Result(False, "transactions only read by default", remedy)
    return Result(True, "takes changes")


@check("sessions")
def sessions() -> Result:
    """Connections are ours alone: LISTEN and session locks don't survive a pool by transaction."""
    query = "SELECT pg_backend_pid()"
    with direct() as one, direct() as other:
        pids = [each.execute(query).fetchone() for each in (one, other)]
    if pids[0] != pids[1]:
        return Result(True, "each connection has a session of its own")
    remedy = "Connect directly, or set the pool to pool_mode = session."
    return Result(False, "two connections share one session: a pool by transaction", remedy)


@check("durability")
def durability() -> Result:
    """What was answered with 2xx is on the disk, and survives a power cut."""
    with direct() as connection:
        rows = connection.execute(
            "SELECT name FROM pg_settings"
            " WHERE name = ANY(%s::text[]) AND setting = 'off' ORDER BY 1",
            [list(MUST_BE_ON)],
        ).fetchall()
    off = [name for (name,) in rows]
    if not off:
        return Result(True, f"{', '.join(MUST_BE_ON)} are on")
    remedy = " ".join(f"ALTER SYSTEM SET {name} = on;" for name in off)
    detail = f"{', '.join(off)} {'is' if len(off) == 1 else 'are'} off: a crash loses alerts"
    return Result(False, detail, f"{remedy} SELECT pg_reload_conf();")


@check("connections")
def connections() -> Result:
    """There is room for the processes that restart, and for one more node."""
    with direct() as connection:
        row = connection.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        ).fetchone()
    most, used = row or (0, 0)
    if most - used >= LEAST_FREE_CONNECTIONS:
        return Result(True, f"{used} of {most} in use")
    remedy = (
        f"Raise max_connections: a web process takes up to 20, a worker up to 50 (now {most} in "
        f"all), and restart the server."
    )
    return Result(False, f"{used} of {most} connections are in use", remedy)
