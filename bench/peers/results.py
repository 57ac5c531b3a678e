"""What a run of the benchmark found."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from instructions import Count
from objects import LogObject
from small import Small
from turns import Row


@dataclass
class Size:
    """The turns with one object."""

    source: LogObject
    rounds: int
    rows: list[Row]
    verdicts: dict[str, str]

    def row(self, key: str) -> Row | None:
        """The row of a candidate that has turns."""
        return next((row for row in self.rows if row.candidate.key == key and row.turns), None)

    def ours(self, work: str) -> str:
        """The key of the default build's row for a kind of work."""
        key = f"ours-{work}"
        return key if self.row(key) else ""

    def ratio(self, key: str, other: str, what: str = "cpu") -> float | None:
        """A candidate's median over another's."""
        row, over = self.row(key), self.row(other)
        return row.median(what) / over.median(what) if row and over and over.median(what) else None


@dataclass
class Results:
    machine: str
    versions: dict[str, str]
    # Where the outputs went.
    place: str
    sizes: list[Size] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    small: Small | None = None

    def save(self, path: Path) -> None:
        """Keeps every turn, for those who want more than medians."""
        kept = {
            "machine": self.machine,
            "versions": self.versions,
            "sizes": [
                {
                    "object": asdict(size.source) | {"path": Path(size.source.path).name},
                    "rows": [
                        {"key": row.candidate.key, "why": row.why, "turns": [asdict(turn) for turn in row.turns]}
                        for row in size.rows
                    ],
                    "agrees": size.verdicts,
                }
                for size in self.sizes
            ],
            "instructions": [asdict(count) for count in self.counts],
            "small": asdict(self.small) if self.small else None,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
