"""What stands in a Markdown document: its blocks of code, headings and links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is where its first line stands."""

    language: str
    is_answer: bool
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    """One file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path from the top of the project."""
        return self.path.relative_to(ROOT).as_posix()

    def blocks(self) -> list[Block]:
        """All fenced blocks, in order."""
        found = []
        for match in FENCE.finditer(self.text):
            language, *rest = match["info"].split() or [""]
            line = self.text.count("\n", 0, match.start("text")) + 1
            found.append(Block(language, "answer" in rest, match["text"], line))
        return found

    def prose(self) -> str:
        """The text outside the blocks."""
        return FENCE.sub("", self.text)

    def anchors(self) -> set[str]:
        """What `#...` may name."""
        return {anchor(heading) for heading in HEADING.findall(self.prose())}

    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return [match["target"] for match in LINK.finditer(self.prose())]

    def code(self) -> str:
        """Everything that is set as code: blocks and words in the text."""
        words = INLINE.findall(self.prose())
        return "\n".join([*(block.text for block in self.blocks()), *words])


def anchor(heading: str) -> str:
    """The anchor that the usual viewers make of a heading."""
    plain = re.sub(r"[`*_]|\]\([^)]*\)|[\[]", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def documents() -> list[Document]:
    """All that people read: docs/, and the pages at the top and in each app."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    paths += [path for path in ROOT.glob("*/README.md") if path.parent.name != "var"]
    return [Document(path, path.read_text(encoding="utf-8")) for path in sorted(set(paths))]


def document(name: str) -> Document:
    """One of them, by its path from the top."""
    path = ROOT / name
    return Document(path, path.read_text(encoding="utf-8"))
