"""The two ways in which a backup or a restore ends early; the text says what to do."""


class Refused(RuntimeError):
    """It would do harm, or what was given is not what it should be."""


class Unavailable(RuntimeError):
    """Something outside is missing or failed: a program, a server, room on a disk."""
