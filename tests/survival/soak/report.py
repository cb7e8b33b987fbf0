"""What a soak says at its end: for people, and as var/soak.json for whoever compares."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.harness.databases import ROOT
from tests.survival.soak.installation import STEADY
from tests.survival.soak.rounds import Round
from tests.survival.soak.watch import Watch

FILE = ROOT / "var" / "soak.json"
LARGEST = 8


@dataclass
class Report:
    """All rounds, and what grew."""

    seed: int
    rounds: list[Round] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.faults and not any(each.faults for each in self.rounds)

    def line(self, each: Round) -> str:
        """One round in a line."""
        word = "clean" if not each.faults else f"{len(each.faults)} FAULTS"
        return (
            f"round {each.number}: {word}, {each.seconds:.0f} s, {each.alerts} alerts, "
            f"{each.pages} pages, {each.kills} kills, {each.entries} ledger entries verified"
        )

    def text(self, watch: Watch) -> str:
        """The end of it."""
        return "\n".join([*self._totals(), *_processes(watch), *_tables(watch), *self._verdict()])

    def write(self, watch: Watch, path: Path = FILE) -> None:
        """Everything, for programs."""
        content = {
            "seed": self.seed,
            "clean": self.is_clean,
            "rounds": [asdict(each) for each in self.rounds],
            "faults": self.faults,
            "processes": {
                name: seen[:: max(len(seen) // 200, 1)] for name, seen in watch.seen.items()
            },
            "tables": watch.tables,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2))

    def _totals(self) -> Iterator[str]:
        troubles = Counter(name for each in self.rounds for name in each.troubles)
        yield f"{len(self.rounds)} rounds, seed {self.seed}"
        yield f"alerts accepted: {sum(each.alerts for each in self.rounds):,}"
        yield f"pages received: {sum(each.pages for each in self.rounds):,}"
        yield f"kills and the like: {sum(each.kills for each in self.rounds)}"
        yield "troubles: " + ", ".join(f"{name} {n}" for name, n in troubles.most_common())

    def _verdict(self) -> Iterator[str]:
        found = [fault for each in self.rounds for fault in each.faults] + self.faults
        yield from (f"FAULT: {fault}" for fault in found)
        yield "CLEAN" if self.is_clean else "FAILED"


def _processes(watch: Watch) -> Iterator[str]:
    yield f"{'process':<16}{'MB first':>10}{'MB last':>10}{'most':>8}{'files':>8}{'most':>8}"
    for name, seen in sorted(watch.seen.items()):
        mark = "*" if name in STEADY else ""
        memory, files = [each.megabytes for each in seen], [each.files for each in seen]
        yield (
            f"{name + mark:<16}{memory[0]:>10.0f}{memory[-1]:>10.0f}{max(memory):>8.0f}"
            f"{files[-1]:>8}{max(files):>8}"
        )


def _tables(watch: Watch) -> Iterator[str]:
    if watch.tables:
        yield f"{'table':<36}{'rows':>10}{'MB':>8}{'bytes a row':>13}"
        largest = sorted(watch.tables[-1].items(), key=lambda each: -each[1].megabytes)
        for name, table in largest[:LARGEST]:
            yield f"{name:<36}{table.rows:>10,}{table.megabytes:>8.1f}{table.bytes_a_row:>13.0f}"
