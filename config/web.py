"""The web process: uvicorn on the supervisor's socket (`python -m config.web --fd 3`)."""

import argparse
import os
import socket

import uvicorn

GRACE = 4  # seconds for requests under way when it is told to stop


def main() -> None:
    """Serve config.asgi until SIGTERM."""
    parser = argparse.ArgumentParser(prog="config.web", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="a listening socket, inherited")
    listener = socket.socket(fileno=parser.parse_args().fd)
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


if __name__ == "__main__":
    main()
