-- The ledger's own functions, installed after every migrate. @schema@ is where the tables are,
-- @sequence@ what numbers the ledger's entries.

-- One ledger entry, salt and queue row for each row that a statement inserted.
-- Arguments: number of the column set, name of the primary key, names of the columns that are hashed.
-- What else the row has (a column that a migration has just added) is left out of its text.
-- The settings are pinned, because a row's text depends on them.
CREATE OR REPLACE FUNCTION @schema@.audit_append() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = '1'
AS $body$
DECLARE
    covered text[] := TG_ARGV[2:];
BEGIN
    WITH written AS MATERIALIZED (
        SELECT nextval('@sequence@'::regclass) AS seq,
               uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt,
               to_jsonb(added_row) AS whole
        FROM added AS added_row
    ), entries AS (
        INSERT INTO @schema@.audit_ledger (seq, table_name, row_key, column_set, hash)
        SELECT seq, TG_TABLE_NAME, whole ->> TG_ARGV[1], TG_ARGV[0]::int,
               sha256(salt || convert_to((
                   CASE WHEN whole - covered = '{}' THEN whole
                        ELSE whole - ARRAY(SELECT jsonb_object_keys(whole - covered)) END)::text, 'UTF8'))
        FROM written
    ), salts AS (
        INSERT INTO @schema@.audit_salt (seq, salt) SELECT seq, salt FROM written
    )
    INSERT INTO @schema@.audit_unsealed (seq) SELECT seq FROM written;
    RETURN NULL;
END
$body$;

-- Evidence stays as it was written. The one exception is a deletion inside audit_purge().
CREATE OR REPLACE FUNCTION @schema@.audit_refuse() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('watchbill.purge_batch', true) <> ''
        AND current_user = (SELECT pg_get_userbyid(proowner) FROM pg_proc
                            WHERE oid = '@schema@.audit_purge(bigint, text, text[])'::regprocedure)
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are evidence and only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
              HINT = 'Add a row that corrects it. Retention removes rows through an approved purge.';
END
$body$;

-- Every change of object permissions becomes an append-only, sealed row.
CREATE OR REPLACE FUNCTION @schema@.audit_record_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO @schema@.audit_grant_change (table_name, op, row)
        VALUES (TG_TABLE_NAME, TG_OP, '{}');
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO @schema@.audit_grant_change (table_name, op, row)
        VALUES (TG_TABLE_NAME, TG_OP, jsonb_build_object('old', to_jsonb(OLD), 'new', to_jsonb(NEW)));
    ELSE
        INSERT INTO @schema@.audit_grant_change (table_name, op, row)
        VALUES (TG_TABLE_NAME, TG_OP, CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END);
    END IF;
    RETURN NULL;
END
$body$;

-- Remove rows and their salts, as an approved batch names them, and leave a tombstone for each.
-- Returns how many rows went; a row that is gone already is passed over.
CREATE OR REPLACE FUNCTION @schema@.audit_purge(batch bigint, target text, keys text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    scope jsonb;
    key_name text;
    key_type text;
    removed text[];
BEGIN
    SELECT b.scope INTO scope FROM @schema@.audit_purge_batch AS b
    WHERE b.id = batch AND b.approved_by_id <> b.requested_by_id;
    IF scope IS NULL THEN
        RAISE EXCEPTION 'there is no approved purge batch %', batch USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM unnest(keys) AS named
               WHERE NOT COALESCE(scope -> target ? named, false)) THEN
        RAISE EXCEPTION 'batch % does not name all of these rows of %', batch, target
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) INTO key_name, key_type
    FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE t.tgname = 'audit_append' AND c.relname = target
      AND format('%I', n.nspname) = '@schema@'
      AND target NOT IN ('audit_tombstone', 'audit_purge_batch', 'audit_origin', 'audit_signing_key');
    IF key_name IS NULL THEN
        RAISE EXCEPTION '% is no table of evidence that may be purged', target
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM set_config('watchbill.purge_batch', batch::text, true);
    EXECUTE format(
        'WITH gone AS (DELETE FROM @schema@.%1$I AS doomed USING unnest($1::%3$s[]) AS named(key)'
        ' WHERE doomed.%2$I = named.key RETURNING doomed.%2$I::text AS key)'
        ' SELECT array_agg(key) FROM gone', target, key_name, key_type)
        INTO removed USING keys;
    DELETE FROM @schema@.audit_salt WHERE seq IN (
        SELECT seq FROM @schema@.audit_ledger WHERE table_name = target AND row_key = ANY (removed));
    PERFORM set_config('watchbill.purge_batch', '', true);
    INSERT INTO @schema@.audit_tombstone (batch_id, table_name, row_key, seq)
    SELECT batch, target, row_key, seq FROM @schema@.audit_ledger
    WHERE table_name = target AND row_key = ANY (removed)
    ORDER BY seq;
    RETURN COALESCE(cardinality(removed), 0);
END
$body$;
