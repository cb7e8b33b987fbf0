"""One target under hypothesis: `python -m tests.fuzzing.by_hypothesis NAME SECONDS SEED FOLDER`."""

# ruff: noqa: E402  (Django is set up before models are imported)
import json
import sys
import time
from pathlib import Path

import django

django.setup()

from hypothesis import given, seed
from hypothesis import strategies as st

from tests.fuzzing.targets import SEEDS, TARGETS
from tests.security import hostile

SLOWEST = 10.0
AT_ONCE = 2_000


def main(name: str, seconds: str, number: str, folder: str) -> int:
    """Rounds of examples until the time is over; 1 as soon as one fails."""
    target, end, last = TARGETS[name], time.monotonic() + float(seconds), Path(folder) / "last"
    data = st.one_of(
        st.binary(min_size=1, max_size=2_000),
        st.builds(lambda first, document: bytes([first]) + json.dumps(document).encode(),
                  st.integers(0, 255), hostile.documents),
        st.sampled_from(SEEDS.get(name, [b"a"])).flatmap(altered),
    ).filter(bool)  # fmt: skip

    @hostile.some(AT_ONCE)
    @given(given=data)
    def try_one(given: bytes) -> None:
        last.write_bytes(given)
        began = time.process_time()
        target(given)
        assert time.process_time() - began < SLOWEST

    rounds = 0
    while time.monotonic() < end:
        seed(int(number) + rounds)(try_one)()
        rounds += 1
    sys.stdout.write(f"tried: {rounds * AT_ONCE}\n")
    return 0


def altered(data: bytes) -> st.SearchStrategy[bytes]:
    """The seed with one piece replaced."""
    place = st.integers(0, len(data))
    return st.builds(
        lambda start, end, piece: data[:start] + piece + data[max(start, end) :],
        place, place, st.binary(max_size=20),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
