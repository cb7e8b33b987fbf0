"""What `manage.py doctor` asks about the evidence: who could alter it, and who would notice."""

import os
import stat
from pathlib import Path

from django.conf import settings
from django.db import connection

from config import embedded
from config.audit import keys, outside, sealing, succession, verify_protection
from config.audit.grants import PURGE_FUNCTION, PURGE_ROLE
from config.audit.models import Checkpoint
from config.audit.tables import LEDGER, ledgered_tables
from config.doctor import Result, check, existing

OTHERS = stat.S_IRWXG | stat.S_IRWXO
FREELY_DELETED = ("audit_unsealed",)  # a queue: the sealer takes from it
SHOWN = 3


@check("roles")
def roles() -> Result:
    """The running product can't switch its own audit off."""
    evidence = [name for name in (*LEDGER, *ledgered_tables()) if name not in FREELY_DELETED]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, array_agg(relname::text ORDER BY 1) FILTER (WHERE"
            " pg_has_role(current_user, relowner, 'USAGE') OR has_table_privilege(c.oid,"
            " 'UPDATE, DELETE, TRUNCATE')) FROM pg_class c WHERE relname = ANY(%s::name[])"
            " AND relnamespace = current_schema()::regnamespace",
            [evidence],
        )
        role, alterable = cursor.fetchone()
    if not alterable:
        return Result(True, f"{role} may add to the evidence, and alter none of it")
    return Result(
        False,
        f"{role} may alter {len(alterable)} tables of evidence, {alterable[0]} among them",
        "Give DATABASE_URL a role that owns nothing, DATABASE_OWNER_URL the owner's, and run: "
        "manage.py migrate",
    )


@check("purge_role")
def purge_role() -> Result:
    """Only an approved batch removes evidence: nobody logs in as the role that may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, pg_get_userbyid(p.proowner) = rolname FROM pg_roles"
            " LEFT JOIN pg_proc p ON p.oid = to_regprocedure(%s) WHERE rolname = %s",
            [PURGE_FUNCTION, PURGE_ROLE],
        )
        found = cursor.fetchone()
    if found == (False, True):
        return Result(True, f"{PURGE_ROLE} owns the purge, and nobody can be it")
    make = f"CREATE ROLE {PURGE_ROLE} NOLOGIN; GRANT {PURGE_ROLE} TO the owner role;"
    if found is None:
        return Result(False, f"{PURGE_ROLE} is missing", f"{make} then run: manage.py migrate")
    if found[0]:
        return Result(False, f"{PURGE_ROLE} may log in", f"ALTER ROLE {PURGE_ROLE} NOLOGIN;")
    remedy = f"GRANT {PURGE_ROLE} TO the owner role; then run: manage.py migrate"
    return Result(False, f"{PURGE_ROLE} does not own {PURGE_FUNCTION}", remedy)


@check("triggers")
def triggers() -> Result:
    """What refuses and records in the database is there, enabled, and as installed."""
    with connection.cursor() as cursor:
        problems = verify_protection.problems(cursor)
    if not problems:
        return Result(True, "all in place")
    more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    remedy = "Run: manage.py migrate, then manage.py audit_verify"
    return Result(False, "; ".join(problems[:SHOWN]) + more, remedy)


@check("keys")
def key_files() -> Result:
    """The signing key is there, is the one that signed, and nobody else reads the secrets."""
    private = keys.private_path()
    secrets = (private, Path(settings.VAR) / "keys" / "secret")
    readable = [path for path in secrets if path.exists() and path.stat().st_mode & OTHERS]
    if readable:
        names = " ".join(map(str, readable))
        return Result(False, f"others may read {names}", f"chmod 600 {names}; then replace them")
    last = Checkpoint.objects.order_by("-pk").first()
    if not private.exists():
        if last is None and not keys.public_path().exists():
            return Result(True, "the signing key is made at the first seal")
        return Result(
            False,
            f"the signing key {private} is gone: nothing can be sealed",
            "Put it back from where it is kept, or set WATCHBILL_SIGNING_KEY.",
        )
    if not os.access(private, os.R_OK):
        return Result(None, f"{private} can't be read by this account", "Run as the worker's.")
    return _signed_last(last)


def _signed_last(last: Checkpoint | None) -> Result:
    try:
        complaint = succession.complaint(last) if last else None
        keys.signing_key()
    except keys.KeyProblem as error:
        return Result(False, str(error), "Put the key back from where it is kept.")
    if complaint:
        return Result(False, complaint.problem, complaint.remedy)
    return Result(True, f"{keys.private_path()}")


@check("checkpoints")
def checkpoints() -> Result:
    """What proves a cut tail lies outside the database, and is up to date."""
    folder = outside.folder()
    nearest = existing(folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        remedy = "Let the worker's account write there, or set WATCHBILL_CHECKPOINT_DIR."
        return Result(False, f"{folder} can't be written", remedy)
    if (data := _data_folder()) and folder.resolve().is_relative_to(data.resolve()):
        return Result(
            False,
            f"{folder} lies within the database's own folder {data}: one harm takes both",
            "Set WATCHBILL_CHECKPOINT_DIR to a place that the database's account can't write.",
        )
    if not sealing.status().published:
        remedy = "See the worker's log; the next seal publishes again."
        return Result(False, f"the newest checkpoint is not in {folder}", remedy)
    hint = f"on the disk of the database: copy {folder} elsewhere" if _shares(nearest, data) else ""
    return Result(True, f"{folder}{', ' + hint if hint else ''}")


def _data_folder() -> Path | None:
    """Where the embedded server keeps its home; unknown of any other server."""
    if os.environ.get("DATABASE_URL"):
        return None
    cluster = embedded.find()
    return cluster.home.path if cluster else None


def _shares(folder: Path, data: Path | None) -> bool:
    return data is not None and folder.stat().st_dev == data.stat().st_dev
