"""Python's collector of garbage, in a process that runs for long."""

import gc

# Containers made since the last look, looks at the young ones, looks at those that stayed.
SELDOM = (20_000, 20, 100)


def ignore() -> None:
    """Look for none while the house is loaded, all of which stays: a sixth of a process's start."""
    gc.disable()


def heed() -> None:
    """Look again: loaded it is."""
    gc.enable()


def settle() -> None:
    """Look seldom, and never among what was loaded: looking took a fifth of a request's time.

    To be called once a process is up, when most of what it holds is code.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
