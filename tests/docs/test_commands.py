"""Every command is told of: on its reference page, and with help of its own."""

from __future__ import annotations

import re

import pytest

from provisioner.cli.app import COMMANDS, module_of, run
from tests.docs.pages import ROOT, blocks, pages, prose

REFERENCE = ROOT / "docs/reference/commands.md"


def words() -> list[str]:
    found = []
    for name in COMMANDS:
        functions = module_of(name).COMMANDS
        found += [name] if list(functions) == [name] else [f"{name} {word}" for word in functions]
    return found


@pytest.mark.parametrize("command", words())
def test_a_command_is_in_the_reference_with_its_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever `--help` lists stands in the section of the command, or among the common options."""
    assert run([*command.split(), "--help"]) == 0
    options = set(re.findall(r"(?m)^ +(?:-\w, )*(--[a-z-]+)", capsys.readouterr().out)) - {"--help"}
    page = REFERENCE.read_text(encoding="utf-8")
    section = page.partition(f"\n## provisioner {command}\n")[2].partition("\n## ")[0]
    common = page.partition("\n## Common options\n")[2].partition("\n## ")[0]

    assert section
    assert {option for option in options if f"`{option}`" not in section + common} == set()


@pytest.mark.parametrize("command", words())
def test_a_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help says in a sentence what the command does, and says something of every option."""
    assert run([*command.split(), "--help"]) == 0
    printed = capsys.readouterr().out

    assert re.search(r"(?m)^  [A-Z].+\.$", printed)
    assert not re.search(r"(?m)^  -\S.*[^.\]]\n  -", re.sub(r"\n {10,}", " ", printed))


def test_commands_of_the_pages_exist() -> None:
    """Whatever a page lets a reader type is a command of this release."""
    typed = set()
    for info in ("sh", "console", "yaml"):
        for block in blocks(info):
            typed |= set(re.findall(r"(?<![\w/-])provisioner ([a-z]+)", block.text))
    for page in pages():
        typed |= set(re.findall(r"`provisioner ([a-z]+)[^`]*`", prose(page)))

    assert typed - set(COMMANDS) == set()
    assert {"validate", "plan", "apply", "output", "init"} <= typed
