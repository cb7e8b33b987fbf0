"""One target under atheris: `python -m tests.fuzzing.by_atheris NAME SECONDS SEED FOLDER`."""

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["config", "incidents", "escalation", "json", "markdown_it"]
):
    import django

    django.setup()
    from tests.fuzzing.targets import SEEDS, TARGETS

SLOWEST = 10  # seconds for one input: more is a hang
MOST_MEMORY = 2048  # MB
LONGEST = 16_384
WORDS = (
    *('{"', '":"', '":{"', '":[', "alerts", "status", "firing", "resolved", "labels", "startsAt"),
    *("annotations", "fingerprint", "dedup_key", "title", "level", "links", "href", "payload"),
    *("event_action", "trigger", "summary", "severity", "timestamp", "custom_details"),
    *("message", "alias", "details", "tags", "priority", "routing_key", "password", "Bearer "),
    *("https://", "1e999", "\\\\ud800", "\\\\u0000", "0001-01-01T00:00:00Z", "](", "```", "|---|"),
)


def main(name: str, seconds: str, seed: str, folder: str) -> None:
    """Search until the time is over or something fails; libFuzzer ends the process itself."""
    target = TARGETS[name]
    place = Path(folder)
    corpus, words = place / "corpus", place / "words.txt"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(SEEDS.get(name, ())):
        (corpus / f"seed-{number}").write_bytes(data)
    words.write_text("".join(f"{json.dumps(word)}\n" for word in WORDS))
    options = [
        f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MOST_MEMORY}", f"-max_len={LONGEST}", f"-dict={words}",
        f"-artifact_prefix={place}/", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: target(data) if data else None)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
