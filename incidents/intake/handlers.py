"""What every process must know of intake: what the table may ask, and how it is back-tested."""

from incidents.intake import facts, replay

__all__ = ["facts", "replay"]
