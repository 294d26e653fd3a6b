"""Wrong usage, streams and exit codes: 2 means changes and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner import __version__
from tests.support.running import PROGRAM, run


@pytest.mark.parametrize(
    "line, reported",
    [
        ("plna", "did you mean `plan`?"),
        ("diff", "`provisioner plan` shows what an apply would change"),
        ("status", "did you mean `plan`?"),
        ("push", "did you mean `apply`?"),
        ("sync", "did you mean `apply`?"),
        ("state lst", "did you mean `list`?"),
        ("state", "`provisioner state --help` lists what it takes"),
        ("plan --jsn", "--json"),
        ("plan extra", "extra"),
        ("plan --on-drift perhaps", "perhaps"),
        ("plan --parallelism 3", "--parallelism"),
        ("apply --parallelism many", "--parallelism"),
        ("apply --parallelism 0", "--parallelism"),
        ("state show", "ADDR"),
        ("state show nonsense", "`nonsense` is not an address"),
        ("plan --var x", "NAME=VALUE"),
        ("-C /does/not/exist plan", "is not a folder"),
        ("plan --out specs/x", "looks like a spec"),
        ("plan --out prod.yaml", "looks like a spec"),
        ("plan --no-refresh --out x.json", "cannot be applied"),
        ("apply --target assistant.a saved.json", "is applied exactly"),
    ],
)
def test_wrong_usage_exits_with_1(tmp_path: Path, line: str, reported: str) -> None:
    """Click's own 2 would be taken for changes; stdout stays empty."""
    ran = run(tmp_path, *line.split())

    assert (ran.code, ran.out) == (1, "")
    assert reported in ran.err
    assert "error: " in ran.err
    assert "Traceback" not in ran.err


def test_no_command_prints_the_help_and_fails(tmp_path: Path) -> None:
    """Nothing was asked for, so nothing is a result."""
    ran = run(tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert re.search(r"validate +Check the specs", ran.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--jsn", "--json"),
        ("plna", "--json"),
        ("plan", "-C", "/nope", "--json"),
        ("output", "--json", "--format", "env"),
    ],
)
def test_errors_as_json(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """With --json an error is one document on stdout, and nothing stands beside it."""
    ran = run(tmp_path, *arguments)

    assert (ran.code, ran.err) == (1, "")
    assert [found["severity"] for found in ran.json["problems"]] == ["error"]


@pytest.mark.parametrize("arguments", [("version",), ("--version",), ("version", "--no-color")])
def test_version(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The quick way and the long one say the same."""
    ran = run(tmp_path, *arguments, program=[*PROGRAM])

    assert (ran.code, ran.out, ran.err) == (0, f"provisioner {__version__}\n", "")


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    """The summaries that --help prints without importing a command are those of the commands."""
    from provisioner.cli.app import COMMANDS, load_command

    for name, summary in COMMANDS.items():
        assert load_command(name).help == summary, name


def test_every_option_has_help() -> None:
    """The reference page is made from the commands, so nothing in them goes without words."""
    from provisioner.cli.app import COMMANDS, load_command

    commands = [load_command(name) for name in COMMANDS]
    leaves = [
        leaf
        for command in commands
        for leaf in getattr(command, "commands", {"": command}).values()
    ]

    assert len(leaves) == len(COMMANDS) + 5  # `state` has five, `local` two
    assert [leaf.name for leaf in leaves if not leaf.help] == []
    assert [(leaf.name, one.name) for leaf in leaves for one in leaf.params if not one.help] == []


def test_common_options_stand_on_either_side(workspace: Path) -> None:
    """-C and -e are taken before and after the command; after wins."""
    above = workspace.parent
    outside = [
        run(above, "-C", "acme", "-e", "local", "state", "list"),
        run(above, "state", "list", "-C", "acme", "-e", "local"),
        run(above, "-C", "nowhere", "-e", "nobody", "state", "list", "-C", "acme", "-e", "local"),
        run(workspace, "state", "list", PROVISIONER_ENV="local"),
    ]

    assert [(ran.code, ran.err) for ran in outside] == [(0, "")] * 4
    assert run(workspace, "state", "list", PROVISIONER_ENV="nobody").code == 1


def test_an_environment_must_be_named_without_a_terminal(workspace: Path) -> None:
    """With two environments nobody guesses, in a pipeline, which one is meant."""
    config = workspace / "provisioner.yaml"
    config.write_text(
        config.read_text() + "  alpha: {service: local, lock: locks/alpha.lock.json}\n"
    )

    ran = run(workspace, "plan")

    assert ran.code == 1
    assert "`alpha`, `local`" in ran.err
    assert "add `-e local`" in ran.err  # the default one, not the first of the alphabet
    assert run(workspace, "plan", "-e", "local").code == 0


def test_data_that_is_no_database_is_no_bug(workspace: Path) -> None:
    """What the embedded service cannot open is named with what is the matter with it."""
    data = workspace / ".provisioner/local"
    data.mkdir(parents=True)
    (data / "service.db").write_bytes(b"something else, and long enough to be read" * 20)
    refused = run(workspace, "plan", "-e", "local")
    assert refused.code == 1
    assert refused.err.startswith("error: File not usable\n")
    assert "service.db` cannot be used: file is not a database." in refused.err


def test_a_bug_is_one_line(workspace: Path) -> None:
    """An error of our own has no traceback, unless it is asked for."""
    broken = (
        "import sys, provisioner.engine as engine\n"
        "engine.state = None\n"
        "from provisioner.cli.app import run\n"
        "sys.exit(run(['state', 'list']))\n"
    )
    import sys

    program = (sys.executable, "-c", broken)
    plain, debug = (
        run(workspace, program=program),
        run(workspace, program=program, PROVISIONER_DEBUG="1"),
    )

    assert (plain.code, plain.out) == (1, "")
    assert plain.err.startswith("This is a bug in provisioner: TypeError: ")
    assert plain.err.count("\n") == 1
    assert "Traceback" in debug.err


def test_a_closed_pipe_is_quiet(workspace: Path) -> None:
    """`provisioner schema | head -1` says nothing about pipes."""
    import sys

    program = ("sh", "-c", f"'{sys.executable}' -m provisioner schema | head -1")
    ran = run(workspace, program=program)

    assert (ran.out, ran.err) == ("{\n", "")


def test_a_stream_that_is_ascii(workspace: Path) -> None:
    """Where a terminal cannot show a letter, it is spelt out instead of being a crash."""
    run(workspace, "apply", "-y", "-q")
    (workspace / "specs" / "handbook" / "leave.md").write_text("Less.")

    ran = run(workspace, "plan", PYTHONIOENCODING="ascii")

    assert (ran.code, ran.err) == (0, "")
    assert "-/+ specs/handbook/leave.md 191 \\u2192 5 B" in ran.out


HEAVY = {"openai", "pydantic", "yaml", "jsonschema", "deepdiff", "rich", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    "command", [["validate"], ["validate", "-e", "local", "-C", "."], ["output"]]
)
def test_plain_specs_need_no_models(tmp_path: Path, command: list[str]) -> None:
    """What most specs say is checked without pydantic, and so are the options of a command."""
    (tmp_path / "specs").mkdir()
    spec = """\
assistants:
  a:
    model: gpt-4o
    instructions: Be brief.
    temperature: 0.5
    tools: [code_interpreter, {type: function, name: find, parameters: {type: object}}]
"""
    (tmp_path / "specs" / "a.yaml").write_text(spec)

    assert _imported(tmp_path, command) == {"typer", "yaml"}


@pytest.mark.parametrize(
    "arguments, allowed",
    [
        (["version"], set()),
        (["--help"], set()),
        (["validate"], {"pydantic", "yaml", "jsonschema"}),
        (["fmt", "--check"], {"pydantic", "yaml"}),
        (["schema"], {"pydantic", "yaml"}),
        (["graph"], {"pydantic", "yaml", "jsonschema"}),
        (["state", "list"], {"pydantic", "yaml"}),
        (["output"], {"pydantic", "yaml"}),
        (["plan"], HEAVY - {"openai", "uvicorn"}),
        (["apply", "-y"], HEAVY - {"openai", "uvicorn"}),
    ],
)
@pytest.mark.sampled(2)
def test_what_is_imported(workspace: Path, arguments: list[str], allowed: set[str]) -> None:
    """Commands import what they need, and no command that is told here needs the SDK."""
    found = _imported(workspace, arguments)

    assert found - {"typer"} <= allowed
    assert ("typer" in found) is (arguments != ["version"])


def _imported(workspace: Path, arguments: list[str]) -> set[str]:
    """What is heavy and was imported by a command."""
    import sys

    script = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from provisioner.__main__ import main\n"
        "code = main()\n"
        f"print('heavy:', *sorted(set(sys.modules) & {HEAVY | {'typer'}!r}), file=sys.stderr)"
    )
    ran = run(workspace, program=(sys.executable, "-c", script))
    return set(ran.err.splitlines()[-1].split()[1:])


GIVEN = [
    "",
    "0",
    "1",
    "8",
    "007",
    "-1",
    "1.5",
    "1e3",
    "٣",
    "999999999",
    "9999999999",
    "text",
    "json",
]
GIVEN += ["true", "overwrite", " 5", "5 ", "1_000", "inf", "nan"]


@pytest.mark.parametrize("command", ["apply", "destroy", "plan", "import", "check", "local"])
def test_what_is_evident_is_what_typer_makes_of_it(command: str) -> None:
    """A value that is taken without asking typer is the one that typer would have made of it, and
    it would not have refused it.
    """
    import typer

    from provisioner.cli.app import _evident, load_command

    loaded = load_command(command)
    words = [loaded, *getattr(loaded, "commands", {}).values()]
    compared = 0
    for parameter in (one for word in words for one in word.params):
        takes = getattr(parameter, "type_descriptor", None)
        if takes is None:
            continue
        many = parameter.multiple or parameter.nargs != 1
        own = [] if parameter.default is None else [parameter.default]
        for value in [[one] for one in GIVEN] if many else [*GIVEN, *own]:
            found = _evident(takes, value)
            if found is not None:
                made = parameter.get_runtime_param().coerce(value, parameter, typer.Context(loaded))
                assert (found, type(found)) == (made, type(made)), (parameter.name, value)
                compared += 1
    assert compared > 10
