"""Files whose names must survive a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make new names in it durable; their content is for whoever wrote it to sync."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
