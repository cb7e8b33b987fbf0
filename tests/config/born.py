"""What `test_nursery.py` starts: it says what it finds, and ends as it is told."""

import gc
import json
import os
import sys
import time
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.db import connection

from config import garbage
from config.due import faults

HOUSE = ("config", "incidents", "escalation", "postmortems", "compliance")


def found() -> dict[str, Any]:
    """Of settings and surroundings, what depends on who started it."""
    return {
        "arguments": sys.argv[1:],
        "lease": settings.LEASE_SECONDS,
        "var": str(settings.VAR),
        "database": connection.settings_dict["NAME"],
        "where": os.getcwd(),
        "leads": os.getpid() == os.getpgrp(),
        "signs": [settings.SECRET_KEY, import_module("django_q.conf").Conf.SECRET_KEY],
        "collects": gc.isenabled(),
        "loaded": sorted(name for name in sys.modules if name.partition(".")[0] in HOUSE),
        "variables": sorted(name for name in os.environ if name.startswith("WATCHBILL_")),
    }


def main() -> None:
    """`wait`, `die` at the place that is armed, `tell` by a descriptor, or end with a status."""
    garbage.ignore()  # as `manage.py` does
    django.setup()
    sys.stdout.write(json.dumps(found()))
    sys.stdout.flush()
    match sys.argv[1]:
        case "wait":
            time.sleep(60)
        case "die":
            faults.reach("here")
        case "tell":
            os.write(int(sys.argv[2]), b"heard")
        case status:
            sys.exit(int(status))


if __name__ == "__main__":
    main()
