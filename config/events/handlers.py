"""What this room brings: the queue of deliveries, and a voice for the room below."""

from config.due.announcing import recorded_by
from config.events import delivery
from config.events.operations import record

__all__ = ["delivery"]

recorded_by(record)
