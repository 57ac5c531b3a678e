"""The tables: as text for the terminal, as Markdown between two marks of the document."""

from dataclasses import dataclass
from pathlib import Path

from candidates import WORKS
from config import COUNTED_LINES, MB, SMALL_LINES, SMALL_OBJECTS, SMALL_ROUNDS
from results import Results, Size
from small import Small
from targets import targets

BEGIN = "<!-- bench-peers: begin. `make bench-peers` writes what follows. -->"
END = "<!-- bench-peers: end -->"


@dataclass
class Table:
    title: str
    head: list[str]
    rows: list[list[str]]
    # What has to be known to read it.
    notes: list[str]

    def left(self, column: int) -> bool:
        """Whether a column holds words, not figures."""
        cells = [row[column] for row in self.rows if row[column]]
        return any(not cell[:1].isdigit() for cell in cells)

    def text(self) -> str:
        widths = [max(len(row[at]) for row in [self.head, *self.rows]) for at in range(len(self.head))]

        def line(cells: list[str]) -> str:
            padded = (
                cell.ljust(width) if self.left(at) else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            return "  ".join(padded).rstrip()

        rule = "  ".join("-" * width for width in widths)
        return "\n".join([self.title, "", line(self.head), rule, *map(line, self.rows), "", *self.notes])

    def markdown(self) -> str:
        def line(cells: list[str]) -> str:
            return "| " + " | ".join(cells) + " |"

        rule = "|" + "|".join("---" if self.left(at) else "---:" for at in range(len(self.head))) + "|"
        notes = ["", *self.notes] if self.notes else []
        return "\n".join([f"### {self.title}", "", line(self.head), rule, *map(line, self.rows), *notes])


def tables(results: Results) -> list[Table]:
    made = [target_table(results)]
    made += [size_table(size, results.place) for size in results.sizes]
    if results.counts:
        made.append(count_table(results))
    if results.small:
        made.append(small_table(results.small))
    return made


def target_table(results: Results) -> Table:
    rows = []
    for target in targets(results):
        row = [target.work]
        for build in (0, 1):
            row += [target.limit(build), target.measured(build), target.verdict(build)]
        rows.append(row)
    head = ["work", "default build", "measured", "", "fast inflate", "measured", ""]
    return Table("Targets", head, rows, [])


def size_table(size: Size, place: str) -> Table:
    rows = []
    for row in size.rows:
        candidate = row.candidate
        label = [WORKS[candidate.work], candidate.name]
        if not row.turns:
            rows.append([*label, *[""] * 9, row.why])
            continue
        written = row.median("written")
        rows.append(
            [
                *label,
                f"{row.median('cpu'):.3f}",
                f"{row.spread() * 100:.0f} %",
                f"{row.median('sys'):.2f}",
                factor(size.ratio(candidate.key, size.ours(candidate.work))),
                factor(size.ratio(candidate.key, "gzip")),
                f"{row.median('start'):.2f}" if candidate.tells_start else "",
                f"{row.median('wall'):.2f}",
                f"{row.median('peak') / MB:.1f}",
                f"{written / MB:.1f}" if written else "",
                size.verdicts.get(candidate.key, ""),
            ]
        )
    source = size.source
    head = [
        "work",
        "program",
        "CPU s",
        "spread",
        "in kernel",
        "over ours",
        "over gzip",
        "start s",
        "wall s",
        "peak MB",
        "MB out",
        "agrees",
    ]
    return Table(
        f"An object of {source.lines:,} lines",
        head,
        rows,
        [
            f"{source.gz_bytes / MB:.1f} MB of gzip, {source.raw_bytes / MB:.1f} MB of text; medians of {size.rounds} "
            f"rounds, everyone in turn; outputs go to {place}. The start (interpreter, imports, connection) is taken "
            "off the CPU seconds of the peers that are Python packages, not off the wall seconds. The spread is that "
            'of the CPU seconds, highest less lowest over the median; "in kernel" is the part of them that the kernel '
            "took, which for large outputs is mostly that of the file system in memory. alb-ingest also takes the MD5 "
            "of the file, which stands in for an S3 object's etag; its library does not have to.",
        ],
    )


def factor(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def count_table(results: Results) -> Table:
    rows = [
        [
            count.work,
            count.name,
            "" if count.instructions is None else f"{count.instructions:,.0f}",
            "" if count.ratio is None else f"{count.ratio:.1f}",
            count.why,
        ]
        for count in results.counts
    ]
    return Table(
        "Instructions a line",
        ["work", "program", "instructions", "over ours", "note"],
        rows,
        [
            f"Counted by callgrind over {COUNTED_LINES:,} lines of text, less those of reading the file "
            "(elb-log-parser: of an empty input). elb-log-parser reads neither IPv6 clients, nor rewrites, nor more "
            "than 30 fields: the lines of the last two rows are without them. VRL ignores the last four fields "
            "(`strict_mode: false`).",
        ],
    )


def small_table(small: Small) -> Table:
    rows = []
    for row in small.rows:
        if not row.turns:
            rows.append([row.name, row.form, "", "", "", "", row.why])
            continue
        rows.append(
            [
                row.name,
                row.form,
                f"{row.milliseconds():.3f}",
                f"{row.bytes():,.0f}",
                factor(row.bytes() / small.gz_bytes),
                "" if row.allocations is None else f"{row.allocations:,.0f}",
                "",
            ]
        )
    lines = "; ".join(f"{mode}: {count:.4f}" for mode, count in small.line_allocations.items())
    return Table(
        f"Objects of {SMALL_LINES} lines",
        ["program", "output", "CPU ms an object", "bytes an object", "over .gz", "allocations an object", "note"],
        rows,
        [
            f"{SMALL_OBJECTS:,} objects of {small.gz_bytes:,.0f} bytes of gzip on average, one output each; medians of "
            f"{SMALL_ROUNDS} rounds, the start of the program included."
            + (f" Allocations for one more line of a large object: {lines}." if lines else ""),
        ],
    )


def preface(results: Results, command: str) -> str:
    versions = "\n".join(f"* {name}: {version}" for name, version in results.versions.items())
    return f"Machine: {results.machine}.\n\nCommand: `{command}`\n\nVersions:\n\n{versions}"


def write_document(results: Results, command: str, path: Path) -> None:
    """Replaces what stands between the marks; begins the document where there is none."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        before, after = text.rstrip() + "\n\n", "\n"
    parts = [preface(results, command), *(table.markdown() for table in tables(results))]
    made = "\n\n".join(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
