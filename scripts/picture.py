"""The picture of the README: an edited copy of the sample workspace, its plan as a page, as a
browser shows it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from scripts.demo import ROOT, copy_sample, edit, replace

TARGET = ROOT / "docs/images/plan.png"
SIZE = ViewportSize(width=1100, height=1180)


def main() -> int:
    """Write the picture anew."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("There is no chromium on the path.")
    with tempfile.TemporaryDirectory(prefix="provisioner-picture-") as folder:
        here = Path(folder)
        copy_sample(here)
        printed(here, "apply", "--yes")
        change(here / "specs")
        page = here / "plan.html"
        page.write_text(printed(here, "plan", "--format", "html"), encoding="utf-8")
        shoot(page, browser)
    return 0


def change(specs: Path) -> None:
    """Something for every heading of a review."""
    old = (
        "Reply in the language of the question. Be friendly and brief: up to five sentences, or a"
        " short list\n"
    )
    new = (
        "Reply in the language of the question. Be friendly and brief: up to three sentences, or a"
        " short list\n"
    )
    replace(specs / "prompts/support.md", old, new)
    edit(
        specs / "prompts/support.md", "\nAlways name the handbook page that an answer comes from.\n"
    )
    replace(specs / "analyst.yaml", "temperature: 0\n", "temperature: 0.1\n")
    replace(specs / "extractor.yaml", "[low, normal, high]", "[low, normal, high, urgent]")
    edit(specs / "handbook/it/accounts.md", "\nGuests get an account for one day.\n")
    (specs / "handbook/it/remote-work.md").write_text(
        "# Remote work\n\nUse the VPN.\n", encoding="utf-8"
    )
    (specs / "handbook/office/buildings.md").unlink()


def printed(folder: Path, *words: str) -> str:
    """What a command prints for the embedded service."""
    command = [sys.executable, "-m", "provisioner", *words, "-e", "local"]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def shoot(page: Path, browser: str) -> None:
    """What a window of this size shows of a page."""
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        tab = window.new_page(viewport=SIZE, color_scheme="light")
        tab.goto(page.as_uri())
        tab.screenshot(path=TARGET)
        window.close()


if __name__ == "__main__":
    sys.exit(main())
