"""The soak: `python -m tests.survival --minutes 60 [--seed 1]`, as soak/running.py says."""

import os
import sys
from importlib import import_module

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(import_module("tests.survival.soak.running").main())
