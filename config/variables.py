"""Every environment variable of the product: docs/settings.md is made of this."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `default` is what holds where it is unset or empty."""

    name: str
    meaning: str
    default: str = "none"
    example: str = ""


VARIABLES = (
    Variable(
        "DATABASE_URL",
        "The database, as the role that web, worker and jobs have. Several hosts for a "
        "fail-over: `host1,host2` and `?target_session_attrs=read-write`. Other parameters are "
        "libpq's, like `sslmode=verify-full`",
        "the PostgreSQL that comes along",
        "postgresql://watchbill:password@db1.example.org:5432/watchbill",
    ),
    Variable(
        "DATABASE_OWNER_URL",
        "The same database as the role that owns the tables: for `migrate` and `backup` alone. "
        "Web, worker and jobs work without it",
        "`DATABASE_URL`, and then nothing keeps the product from altering its own evidence",
        "postgresql://watchbill_owner:password@db1.example.org:5432/watchbill",
    ),
    Variable(
        "PORT",
        "The port of `manage.py up`. Set and taken: it ends with status 1",
        "the first free one from 8000",
        "8000",
    ),
    Variable(
        "WATCHBILL_VAR",
        "The folder of what is kept in files: keys, checkpoints, exports, static files, and the"
        " machine's memory of its installation",
        "`var` beside manage.py",
        "/var/lib/watchbill",
    ),
    Variable(
        "WATCHBILL_PGDATA",
        "Where the PostgreSQL that comes along keeps its data",
        "`var/pg`, or a state folder of the system",
        "/var/lib/watchbill/pg",
    ),
    Variable(
        "WATCHBILL_BASE_URL",
        "Where people reach the site: links in mails and feeds begin with it. With https, "
        "cookies are secure, plain http is redirected, and a trusted proxy has to say that it "
        "was https",
        "`http://127.0.0.1:PORT`",
        "https://watchbill.example.org",
    ),
    Variable(
        "WATCHBILL_HOSTS",
        "Further host names by which requests may come, separated by commas: those by which "
        "Prometheus asks each node. The base URL's and this machine's are known",
        example="web1.example.org,web2.example.org",
    ),
    Variable(
        "WATCHBILL_TRUSTED_PROXIES",
        "Addresses or networks of the proxy whose X-Forwarded-For and X-Forwarded-Proto are "
        "believed, separated by commas",
        "nobody",
        "127.0.0.1,10.0.0.0/28",
    ),
    Variable(
        "WATCHBILL_SECRET_KEY",
        "Signs sessions, page links and codes: the same on every node, at least 32 characters. "
        "Another one signs everybody out and ends page links that are under way",
        "made once, in `WATCHBILL_VAR/keys/secret`",
    ),
    Variable(
        "WATCHBILL_SIGNING_KEY",
        "The file with the Ed25519 key that signs checkpoints and packs: the same on every node"
        " with a worker or jobs. Its folder also holds the public key and those before it",
        "made once, `WATCHBILL_VAR/keys/signing.pem`",
        "/var/lib/watchbill/keys/signing.pem",
    ),
    Variable(
        "WATCHBILL_CHECKPOINT_DIR",
        "The folder for signed checkpoints: one for all nodes, outside the database, best where"
        " nobody who administers the database can delete",
        "`WATCHBILL_VAR/checkpoints`",
        "/mnt/checkpoints",
    ),
    Variable(
        "WATCHBILL_SMTP_URL",
        "The mail server. `smtps://` begins with TLS, `?starttls=1` turns to it; `from` is the "
        "sender",
        "no mail",
        "smtp://user:password@mail.example.org:587?starttls=1&from=watchbill@example.org",
    ),
    Variable(
        "WATCHBILL_OUTBOUND_ALLOW",
        "`host:port` list of what webhooks and the dead-man URL may reach although it is "
        "private or another port than 80 and 443",
        example="chat.example.org:8443,10.0.0.7:80",
    ),
    Variable(
        "WATCHBILL_DEADMAN_URL",
        "Called by a worker each minute while all is well: something outside that complains "
        "when the calls stop",
        example="https://deadman.example.org/ping/watchbill",
    ),
    Variable(
        "WATCHBILL_METRICS_TOKEN",
        "The bearer token with which `/metrics` may be read from other machines",
        "only this machine reads it",
    ),
    Variable(
        "WATCHBILL_API_REQUESTS_PER_MINUTE",
        "How many requests each caller of the API has in a minute",
        "3000",
    ),
    Variable(
        "WATCHBILL_LEASE_SECONDS",
        "How long a worker holds what it has begun before another may take it",
        "60",
    ),
    Variable(
        "WATCHBILL_LOG_LEVEL",
        "From which level on a line is logged: DEBUG, INFO, WARNING, ERROR",
        "INFO",
    ),
)
