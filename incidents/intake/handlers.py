"""What every process must know of intake: what the table may ask of a report."""

from incidents.intake import facts

__all__ = ["facts"]
