"""Python's collector of garbage, in a process that runs for long."""

import gc

# Containers made since the last look, looks at the young ones, looks at those that stayed.
SELDOM = (20_000, 20, 100)


def settle() -> None:
    """Look seldom, and never among what was loaded: looking took a fifth of a request's time.

    To be called once a process is up, when most of what it holds is code.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
