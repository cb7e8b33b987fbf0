"""What this room brings to the worker: its timers, its triggers, its nightly jobs."""

from config.due import listening, purging, timers
from config.due.queues import register_queue

__all__ = ["listening", "purging"]

register_queue(timers.QUEUE)
