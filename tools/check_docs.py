"""Checks what linters don't: that the documents tell the truth about the repository.

- every relative link in a Markdown file leads somewhere, heading anchors included;
- no committed file names a path of one developer's machine or the address of a package index;
- every file of docs/decisions stands in that folder's README;
- every `make TARGET` that a document shows is a target of the Makefile.

Prints each finding as `file:line: what is wrong` and exits with 1 if there is any.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LINK: Final = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(\S+)")
FENCE: Final = re.compile(r"^\s*(```|~~~)")
CODE_SPAN: Final = re.compile(r"`([^`]+)`")
MAKE: Final = re.compile(r"(?:^|[`$;&]\s*)make ([a-z][a-z-]*)")
TARGET: Final = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
INDEX_ADDRESS: Final = re.compile(
    r"--(?:extra-)?index[-]url[ =]|--find[-]links[ =]|https?://[\w.-]*(?:pypi|pythonhosted|npmjs|debian)\."
)


def tracked(root: Path) -> list[Path]:
    """The files git would commit: tracked ones and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    paths = {root / name for name in listed.decode().split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines outside fenced blocks, their code spans emptied."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, CODE_SPAN.sub("``", line)


def anchors(path: Path) -> set[str]:
    """The anchors of a Markdown file's headings, as code forges derive them."""
    found: set[str] = set()
    inside = False
    for line in path.read_text().splitlines():
        if FENCE.match(line):
            inside = not inside
        elif line.startswith("#") and not inside:
            title = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(title.replace(" ", "-"))
    return found


def broken_links(path: Path) -> Iterator[tuple[int, str]]:
    """Relative links of one Markdown file that lead nowhere."""
    for number, line in prose(path.read_text()):
        for match in LINK.finditer(line):
            target = match[1] or match[2]
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            if not file.exists():
                yield number, f"link to {target}: no such file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                yield number, f"link to {target}: no such heading"


def local_traces(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    """Lines that only hold on one machine: its paths, its package index."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if f"{root.resolve()}/" in line:
            yield number, "names a path of one machine"
        if INDEX_ADDRESS.search(line):
            yield number, "names a package index's address"


def unlisted_decisions(folder: Path) -> Iterator[tuple[int, str]]:
    """Decision records that the folder's README does not link to."""
    readme = folder / "README.md"
    text = readme.read_text() if readme.exists() else ""
    for record in sorted(folder.glob("[0-9]*.md")):
        if f"({record.name})" not in text:
            yield 1, f"{record.name} is not listed"


def unknown_targets(path: Path, targets: set[str]) -> Iterator[tuple[int, str]]:
    """`make` targets that one Markdown file names in code and the Makefile does not have."""
    inside = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if FENCE.match(line):
            inside = not inside
            continue
        codes = [line.strip()] if inside else CODE_SPAN.findall(line)
        for code in codes:
            for name in MAKE.findall(code):
                if name not in targets:
                    yield number, f"`make {name}` is no target of the Makefile"


def findings(root: Path) -> Iterator[str]:
    """Everything wrong in the repository at `root`, one line each."""
    targets = set(TARGET.findall((root / "Makefile").read_text()))
    for path in tracked(root):
        found = list(local_traces(root, path))
        if path.suffix == ".md":
            found += [*broken_links(path), *unknown_targets(path, targets)]
        for number, text in found:
            yield f"{path.relative_to(root)}:{number}: {text}"
    for number, text in unlisted_decisions(root / "docs/decisions"):
        yield f"docs/decisions/README.md:{number}: {text}"


def main() -> int:
    """Print the findings; the exit code."""
    found = list(findings(Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "Documents: links, targets and decisions hold.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
