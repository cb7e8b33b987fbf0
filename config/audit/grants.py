"""The rights of the role that runs the product, and of the role that purges."""

from collections.abc import Iterable

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit.tables import APPEND, EVERYTHING, RIGHTS
from config.database import runtime_role

PURGE_ROLE = "watchbill_purge"
PURGE_FUNCTION = "audit_purge(bigint, text, text[])"
TRIGGER_FUNCTIONS = "audit_append(), audit_record_grant()"
PURGE_RIGHTS = {
    "audit_ledger": "SELECT",
    "audit_purge_batch": "SELECT",
    "audit_salt": "SELECT, DELETE",
    "audit_tombstone": "SELECT, INSERT",
}


def install(cursor: CursorWrapper, evidence: Iterable[str]) -> None:
    """Give and take rights. Where one role owns and runs, there is nothing to tell apart."""
    # Whoever may run a trigger's function could hang it on a table of their own, and forge entries.
    cursor.execute(f"REVOKE EXECUTE ON FUNCTION {TRIGGER_FUNCTIONS} FROM PUBLIC")
    cursor.execute(f"REVOKE EXECUTE ON FUNCTION {PURGE_FUNCTION} FROM PUBLIC")
    names = list(evidence)
    role = runtime_role()
    cursor.execute("SELECT current_user, EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
    owner, exists = cursor.fetchone()
    if exists and role != owner:
        _grant_runtime(cursor, role, names)
    if _may_give_to_purger(cursor):
        _hand_over_purge(cursor, names)


def _grant_runtime(cursor: CursorWrapper, role: str, evidence: list[str]) -> None:
    wanted = dict.fromkeys(evidence, APPEND) | RIGHTS
    cursor.execute(
        """
        SELECT c.relname, array_remove(array_agg(held.privilege_type ORDER BY 1), NULL)
        FROM pg_class c
        LEFT JOIN LATERAL aclexplode(c.relacl) held
            ON held.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s)
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
            AND pg_has_role(c.relowner, 'USAGE')
        GROUP BY c.relname ORDER BY c.relname
        """,
        [role],
    )
    statements = []
    for table, held in cursor.fetchall():
        rights = wanted.get(table, EVERYTHING)
        statements += _difference(table, role, rights - set(held), set(held) - rights)
    who = sql.Identifier(role)
    statements.append(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(_PURGE, who))
    statements.append(_SEQUENCES.format(_schema(cursor), who))
    cursor.execute(sql.SQL(";\n").join(statements))


def _difference(
    table: str, role: str, given: Iterable[str], taken: Iterable[str]
) -> list[sql.Composed]:
    statements = []
    for verb, direction, rights in (("GRANT", "TO", given), ("REVOKE", "FROM", taken)):
        if named := ", ".join(sorted(rights)):
            statement = sql.SQL(f"{verb} {named} ON {{}} {direction} {{}}")
            statements.append(statement.format(sql.Identifier(table), sql.Identifier(role)))
    return statements


def _may_give_to_purger(cursor: CursorWrapper) -> bool:
    cursor.execute(
        "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s",
        [PURGE_ROLE],
    )
    return bool((cursor.fetchone() or [False])[0])


def _hand_over_purge(cursor: CursorWrapper, evidence: list[str]) -> None:
    """Let the role that purges own the function: nobody logs in as it, and nothing else is its."""
    role = sql.Identifier(PURGE_ROLE)
    rights = dict.fromkeys(evidence, "SELECT, DELETE") | PURGE_RIGHTS
    statements = [
        sql.SQL(f"GRANT {named} ON {{}} TO {{}}").format(sql.Identifier(table), role)
        for table, named in rights.items()
    ]
    cursor.execute(sql.SQL(";\n").join(statements))
    schema = _schema(cursor)
    # A new owner must be able to create in the schema at the moment of the change, and only then.
    cursor.execute(
        sql.SQL(
            "GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}; "
            "ALTER FUNCTION {function} OWNER TO {role}; "
            "REVOKE CREATE ON SCHEMA {schema} FROM {role}"
        ).format(schema=schema, role=role, function=_PURGE)
    )


def _schema(cursor: CursorWrapper) -> sql.Identifier:
    cursor.execute("SELECT current_schema()")
    return sql.Identifier(cursor.fetchone()[0])


_PURGE = sql.SQL(PURGE_FUNCTION)
_SEQUENCES = sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}")
