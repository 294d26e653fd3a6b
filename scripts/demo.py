"""The main job on the embedded service, in a copy of this workspace: each command is printed, then
really run. With `migrate`: the way from the Assistants API, as its page has it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIGRATION = ROOT / "docs/coming-from/assistants-api.md"
_PART = re.compile(r"^## (?P<title>[^\n]+)$|^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.M | re.S)
_FILE = re.compile(r"\w+ (?P<path>\S*[./]\S*)")


def main() -> int:
    """Validate, plan, apply, plan again, edit, plan, apply, plan again; the exit codes are part of
    the story.
    """
    with tempfile.TemporaryDirectory(prefix="provisioner-demo-") as folder:
        here = Path(folder)
        copy_sample(here)
        tell("A workspace: five assistants, a handbook of Markdown files, two CSV files.")
        run(here, "validate")
        run(here, "plan", "-e", "local", "--detailed-exitcode", expect=2)
        run(here, "apply", "-e", "local", "--yes")
        tell("Nothing has changed since, so the second plan is empty.")
        run(here, "plan", "-e", "local", "--detailed-exitcode")
        tell("Somebody edits a prompt, a document and a setting.")
        edit(
            here / "specs/prompts/support.md",
            "\nAlways name the handbook page that an answer comes from.\n",
        )
        edit(
            here / "specs/handbook/people/leave.md",
            "\nUnused days can be carried over until 31 March.\n",
        )
        replace(here / "specs/support.yaml", "temperature: ", "temperature: 0.1 # was: ")
        run(here, "plan", "-e", "local", "--detailed-exitcode", expect=2)
        run(here, "apply", "-e", "local", "--yes")
        run(here, "plan", "-e", "local", "--detailed-exitcode")
        run(here, "output", "-e", "local", "--format", "env")
    tell("Done. Start your own with: provisioner init")
    return 0


def migrate() -> int:
    """Follow the page in an empty folder. A command that fails is part of the story."""
    program = f"'{sys.executable}' -m provisioner"
    with tempfile.TemporaryDirectory(prefix="provisioner-demo-") as folder:
        for title, command in followed(MIGRATION, Path(folder)):
            if title:
                tell(title)
                continue
            print(f"\n$ {command}", flush=True)
            script = re.sub(r"^provisioner\b", lambda _: program, command)
            subprocess.run(["sh", "-c", script], cwd=folder, check=False)
    return 0


def followed(page: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The headings of a page and the commands that it shows, in their order; the files that it
    shows are written into the folder before whatever comes after them.
    """
    for part in _PART.finditer(page.read_text(encoding="utf-8")):
        if part["title"]:
            yield part["title"], ""
        elif part["info"] == "console":
            yield from (("", line) for line in re.findall(r"^\$ (.*)$", part["text"], re.M))
        elif file := _FILE.fullmatch(part["info"]):
            place = folder / file["path"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(part["text"], encoding="utf-8")


def copy_sample(folder: Path) -> None:
    """`provisioner.yaml` and `specs/` are all of it."""
    shutil.copy(ROOT / "provisioner.yaml", folder)
    shutil.copytree(ROOT / "specs", folder / "specs")


def tell(text: str) -> None:
    print(f"\n# {text}", flush=True)


def run(folder: Path, *words: str, expect: int = 0) -> None:
    print(f"\n$ provisioner {' '.join(words)}", flush=True)
    code = subprocess.run(
        [sys.executable, "-m", "provisioner", *words], cwd=folder, check=False
    ).returncode
    if code != expect:
        sys.exit(f"provisioner {words[0]} exited with {code}, expected {expect}")


def edit(path: Path, more: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"{path.name} does not contain `{old}`")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(migrate() if sys.argv[1:] == ["migrate"] else main())
