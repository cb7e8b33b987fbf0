"""The web process: uvicorn on a listening socket (`python -m config.web --port 8000`).

The supervisor, or systemd with a socket unit, hands an open socket down by `--fd`: then a restart
refuses no connection. By hand, `--port` opens one.
"""

import argparse
import os
import socket

import uvicorn

from config import garbage

GRACE = 4  # seconds for requests under way when it is told to stop
BACKLOG = 2048


def main() -> None:
    """Serve config.asgi until SIGTERM."""
    listener = _listener(_parser().parse_args())
    garbage.ignore()  # until `config.apps` is ready
    proxies = os.environ.get("WATCHBILL_TRUSTED_PROXIES", "")
    config = uvicorn.Config(
        "config.asgi:application",
        log_level="warning",
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="config.web", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="a listening socket, inherited (systemd: 3)")
    where.add_argument("--port", type=int, help="a port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="with --port; else loopback")
    return parser


def _listener(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    try:
        return socket.create_server((options.host, options.port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"{options.host}:{options.port} can't be used: {error}") from error


if __name__ == "__main__":
    main()
