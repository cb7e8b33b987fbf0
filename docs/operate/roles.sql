-- The roles and the database of Watchbill. Run once, as a superuser of the server:
--   psql -v owner_password=... -v runtime_password=... -f roles.sql postgres
-- watchbill_owner migrates, backs up and restores. watchbill is what web, worker and jobs are: it
-- owns nothing, and can't alter history, the ledger or their triggers. Nobody logs in as
-- watchbill_purge: one function belongs to it, which removes what an approved purge names.
CREATE ROLE watchbill_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE watchbill LOGIN PASSWORD :'runtime_password';
CREATE ROLE watchbill_purge NOLOGIN;
GRANT watchbill_purge TO watchbill_owner;
CREATE DATABASE watchbill OWNER watchbill_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE watchbill FROM PUBLIC;
GRANT CONNECT ON DATABASE watchbill TO watchbill;
