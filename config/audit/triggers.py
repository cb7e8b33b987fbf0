"""The triggers that evidence must have: installed by `install`, looked for by `verify`."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit.tables import GUARDIAN, LEDGER, QUEUE, Table

type Place = tuple[str, str]  # table, trigger

APPEND = "AFTER INSERT ON {} REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
REFUSE_ROWS = "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW"
REFUSE_UPDATE = "BEFORE UPDATE ON {} FOR EACH ROW"
REFUSE_TRUNCATE = "BEFORE TRUNCATE ON {} FOR EACH STATEMENT"
GRANT_ROWS = "AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW"
GRANT_TRUNCATE = "AFTER TRUNCATE ON {} FOR EACH STATEMENT"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger of ours; `when` has a place for the table's name."""

    table: str
    name: str
    function: str
    when: str
    arguments: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """By what it is found in the catalogue."""
        return self.table, self.name

    def create(self) -> sql.Composed:
        """Make it anew, so that it is also enabled."""
        table = sql.Identifier(self.table)
        return sql.SQL(
            "DROP TRIGGER IF EXISTS {name} ON {table}; "
            "CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}({arguments})"
        ).format(
            name=sql.Identifier(self.name),
            table=table,
            when=sql.SQL(self.when).format(table),
            function=sql.Identifier(self.function),
            arguments=sql.SQL(", ").join(map(sql.Literal, self.arguments)),
        )


@dataclass(frozen=True, slots=True)
class Installed:
    """What the catalogue knows of a trigger."""

    function: str
    arguments: tuple[str, ...]
    enabled: bool

    def is_like(self, trigger: Trigger) -> bool:
        """Whether this is the trigger that is wanted, and works."""
        wanted = (trigger.function, trigger.arguments)
        return self.enabled and (self.function, self.arguments) == wanted


def appending(table: Table, number: int, columns: Iterable[str]) -> Trigger:
    """The trigger that writes a ledger entry for each new row."""
    arguments = (str(number), table.key, *columns)
    return Trigger(table.name, "audit_append", "audit_append", APPEND, arguments)


def refusing(evidence: Iterable[str]) -> list[Trigger]:
    """The triggers that keep evidence, and the ledger itself, as they were written."""
    wanted = []
    for name in (*LEDGER, *evidence):
        rows = REFUSE_UPDATE if name == QUEUE else REFUSE_ROWS
        wanted.append(Trigger(name, "audit_refuse", "audit_refuse", rows))
        wanted.append(Trigger(name, "audit_refuse_truncate", "audit_refuse", REFUSE_TRUNCATE))
    return wanted


def recording() -> list[Trigger]:
    """The triggers that record each change of guardian's tables."""
    return [
        Trigger(name, trigger, "audit_record_grant", when)
        for name in GUARDIAN
        for trigger, when in (
            ("audit_record_grant", GRANT_ROWS),
            ("audit_record_grant_truncate", GRANT_TRUNCATE),
        )
    ]


def installed(cursor: CursorWrapper) -> dict[Place, Installed]:
    """Our triggers as they are in the database."""
    cursor.execute(
        """
        SELECT c.relname, t.tgname, p.proname, t.tgargs, t.tgenabled IN ('O', 'A')
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE c.relnamespace = current_schema()::regnamespace AND t.tgname LIKE 'audit\\_%'
        """
    )
    return {
        (table, name): Installed(function, _arguments(bytes(arguments)), enabled)
        for table, name, function, arguments, enabled in cursor.fetchall()
    }


def _arguments(stored: bytes) -> tuple[str, ...]:
    """The catalogue ends each argument with a zero byte."""
    return tuple(part.decode() for part in stored.split(b"\0")[:-1])
