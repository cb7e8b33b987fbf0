"""The database's own rules for versions: only drafts change; what was in force stays as it was."""

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit.install import register_sql
from config.governance.content import parts_of, version_models
from config.governance.models import PolicyVersion

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION governance_guard_version() RETURNS trigger
LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['state', 'revision', 'in_force'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'version % of a policy is kept', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'version_kept',
                  HINT = 'Retire it.';
    END IF;
    IF OLD.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF OLD.state IN ('in_review', 'approved') THEN
        free := free || ARRAY['content_hash', 'activates_at', 'is_emergency'];
        IF OLD.state = 'in_review' THEN
            free := free || ARRAY['change_reason'];
        END IF;
    ELSIF NOT (
        (OLD.state = NEW.state OR (OLD.state = 'active' AND NEW.state = 'retired'))
        AND (lower(OLD.in_force) IS NOT DISTINCT FROM lower(NEW.in_force)
             OR isempty(NEW.in_force) AND NEW.state = 'retired')
        AND (OLD.state = 'active' OR OLD.in_force IS NOT DISTINCT FROM NEW.in_force)
    ) THEN
        RAISE EXCEPTION 'version % of a policy has been in force and stays as it was', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'version_immutable',
                  HINT = 'Begin a new draft.';
    END IF;
    IF to_jsonb(NEW) - free <> to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'version % of a policy is %, and only drafts change', OLD.id, OLD.state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'version_immutable',
                  HINT = 'Begin a new draft.';
    END IF;
    RETURN NEW;
END
$body$;

-- For the tables of what a version says. Argument: the column that names the version.
CREATE OR REPLACE FUNCTION governance_guard_content() RETURNS trigger
LANGUAGE plpgsql AS $body$
DECLARE
    wanted bigint[] := '{}';
    closed bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        wanted := wanted || (to_jsonb(OLD) ->> TG_ARGV[0])::bigint;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        wanted := wanted || (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
    END IF;
    SELECT id INTO closed FROM config_policyversion
    WHERE id = ANY (wanted) AND state <> 'draft' LIMIT 1;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION '% of % is refused: version % of its policy is not a draft',
            TG_OP, TG_TABLE_NAME, closed
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'version_immutable',
                  HINT = 'Begin a new draft.';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$body$;
"""
_TRIGGER = sql.SQL(
    "CREATE OR REPLACE TRIGGER governance_guard BEFORE {when} ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {function}"
)


def guarded_tables() -> dict[str, str]:
    """The tables of content, with the column that names the version."""
    found = {}
    for model in version_models():
        found[model._meta.db_table] = str(model._meta.pk.column)
        for part in parts_of(model):
            found[part.model._meta.db_table] = f"{part.parent}_id"
    return found


@register_sql
def install_guards(cursor: CursorWrapper) -> None:
    """Idempotent; tables that are not migrated yet get theirs in the next run."""
    cursor.execute(_FUNCTIONS)
    root = PolicyVersion._meta.db_table
    whole_row = sql.SQL("governance_guard_version()").format()
    _install(cursor, root, sql.SQL("UPDATE OR DELETE"), whole_row)
    for table, column in guarded_tables().items():
        function = sql.SQL("governance_guard_content({})").format(sql.Literal(column))
        _install(cursor, table, sql.SQL("INSERT OR UPDATE OR DELETE"), function)


def _install(cursor: CursorWrapper, table: str, when: sql.SQL, function: sql.Composed) -> None:
    cursor.execute("SELECT to_regclass(%s)", [table])
    if cursor.fetchone()[0] is not None:
        statement = _TRIGGER.format(when=when, table=sql.Identifier(table), function=function)
        cursor.execute(statement)
