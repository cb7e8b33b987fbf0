"""The admin of all rooms of this app."""

from config.apps import load_rooms

load_rooms("compliance", "admin")
