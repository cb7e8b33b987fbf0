"""Pages, their delivery, and the link that acknowledges."""
