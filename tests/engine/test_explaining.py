"""What may be declared is explained: every field, and every example can be pasted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.engine.carrying import Carried, carried, troubles
from provisioner.engine.explaining import Explained, Explaining, Word, explained, words_of
from provisioner.engine.questions import validate
from provisioner.kinds import kinds
from provisioner.schemas import spec_schema, workspace_schema
from provisioner.workspace import Workspace
from tests.docs.test_pages import FILES
from tests.docs.test_pages import NEEDED as NAMED

APIS = ("assistants", "responses", "agents")
DEEPEST = 7
MORE = {
    "data/leave.csv": "day\n",
    "data/prices.json": "{}\n",
    "schemas/search.json": '{"type": "object", "properties": {"goal": {"type": "string"}}}',
    "schemas/sql.lark": "start: WORD\n",
}
NEEDED = {**NAMED, "vector_stores": {"handbook": {"files": ["docs/**/*.md"]}}}
# One path is one file, however often it is declared, and a vault has a variable once.
ALONE = ("credential", "file")
Found = tuple[str, Explained]


def every(names: list[str], explaining: Explaining) -> Iterator[Explained]:
    found = explaining.of(names)
    yield found
    for part in found.parts if len(names) < DEEPEST else ():
        if part.name not in names[-1:]:  # filters may lie in filters, without end
            yield from every([*names, part.name], explaining)


@pytest.fixture(scope="module")
def everything() -> list[Explained]:
    """Every kind and every field below it, however deep."""
    return [one for kind in kinds().values() for one in every([], Explaining(kind))]


def errors(root: Path, specs: list[dict[str, Any]], api: str) -> list[str]:
    """What is wrong with specs under one API, beside the names that they may use."""
    local = {"service": "local", "api": api}
    others = {name: {"service": f"https://{name}.example/v1"} for name in ("staging", "prod")}
    config = {"variables": {"model": "gpt-4o"}, "environments": {"local": local, **others}}
    for path, text in {**FILES, **MORE}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    (root / "specs").mkdir(exist_ok=True)
    (root / "provisioner.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for number, spec in enumerate([NEEDED, *specs]):
        (root / f"specs/n{number}.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    problems = Workspace.open(root).compile("local").problems
    return [f"{one.file} {one.detail}" for one in problems if one.severity == "error"]


def pasted(found: Explained, name: str) -> dict[str, Any]:
    """An example as it is pasted, under another name."""
    return {
        section: {name: resources["example"]}
        for section, resources in yaml.safe_load(found.example).items()
    }


@pytest.mark.parametrize("api", APIS)
def test_every_example_is_valid(everything: list[Explained], tmp_path: Path, api: str) -> None:
    """Pasted into a spec, it is no problem under any API that carries the field."""
    specs = []
    for number, found in enumerate(everything):
        lost = [one.api for one in found.carried if one.path is None]
        if api not in lost and found.path.partition(".")[0] not in ALONE:
            specs.append(pasted(found, f"e{number}"))
    assert len(specs) > 150
    assert errors(tmp_path, specs, api) == []


@pytest.mark.parametrize("kind", ALONE)
def test_every_example_is_valid_alone(
    everything: list[Explained], tmp_path: Path, kind: str
) -> None:
    """The same of kinds whose examples are in each other's way."""
    alone = [found for found in everything if found.path.partition(".")[0] == kind]
    for number, found in enumerate(alone):
        root = tmp_path / str(number)
        root.mkdir()
        assert errors(root, [pasted(found, "e")], "assistants") == [], found.path
    assert len(alone) > 3


_REFRESH = {
    "token_endpoint_auth": {
        "client_secret": {"env": "CRM_TOKEN"},
        "type": "client_secret_basic",
    },
    "client_id": "support",
}


@pytest.mark.parametrize(
    ("words", "way", "has", "lacks"),
    [
        # What a field of several is for says what stands beside it.
        ("automation.expression", (), {"type": "periodic", "timezone": "Europe/Berlin"}, "run_at"),
        ("automation.run_at", (), {"type": "once"}, "expression"),
        ("automation.name", (), {"type": "periodic", "expression": "0 8 * * 1-5"}, "run_at"),
        (
            "credential.auth.mcp_oauth.refresh.token_endpoint_auth.type",
            ("auth", "refresh"),
            _REFRESH,
            "scope",
        ),
        ("assistant.tools.shell.memory_limit", ("tools", 0), {"environment": "container_auto"}, ""),
        # One that excludes what is otherwise there is without it.
        ("assistant.tools.shell.skills.name", ("tools", 0), {"type": "shell"}, "files"),
        # Nothing is switched off by what is shown of it.
        ("assistant.tools.web_search", ("tools", 0), {"search_context_size": "low"}, "mode"),
        # What no example says under all APIs names the one that it is for; what does, does not.
        ("assistant.tools", (), {"api": "responses"}, "agents"),
        ("assistant.response_format.schema", (), {"api": "responses"}, "agents"),
        ("assistant.tools.function.name", (), {"model": "gpt-4o"}, "api"),
        ("assistant.tools.mcp.required", (), {"model": "gpt-4o"}, "api"),
    ],
)
def test_what_an_example_has_beside(
    words: str, way: tuple[str | int, ...], has: dict[str, Any], lacks: str
) -> None:
    """As much as it takes to be valid."""
    (resources,) = yaml.safe_load(explained(words, {}).example).values()
    found = resources["example"]
    for key in way:
        found = found[key]
    assert {name: found[name] for name in has} == has
    assert lacks not in found


def test_an_example_has_what_is_explained(everything: list[Explained]) -> None:
    """With a comment that says what it is."""
    for found in everything:
        name = found.path.rpartition(".")[2]
        assert name in found.example or found.node.get("description") in found.example, found.path
        assert "# " in found.example, found.path


@pytest.mark.parametrize(
    ("api", "example", "way", "place"),
    [
        (
            "assistants",
            {"instructions": {"file": "a.md"}},
            ("instructions", "file"),
            "instructions",
        ),
        ("assistants", {"tools": [{"use": "get_weather"}]}, ("tools", 0, "use"), "tools[]"),
        (
            "responses",
            {"responses": {"max_output_tokens": 20, "max_tool_calls": 20}},
            ("responses", "max_tool_calls"),
            "max_tool_calls",
        ),
    ],
)
def test_where_a_request_has_it(api: str, example: Any, way: Any, place: str) -> None:
    """What is read or named is where it ends up; of two that are equal it is the one called so."""
    found = carried(kinds()["assistant"], api, {"model": "gpt-4o", **example}, way)
    assert found == Carried(api, place)


def test_every_field_of_the_tables_is_told() -> None:
    """Whatever an author may write is there, with what each API calls it."""
    for kind in kinds().values():
        explaining = Explaining(kind)
        told = {part.name for part in explaining.of([]).parts}
        written = {one.name for one in kind.fields if one.about and one.sort.written is not None}
        assert written <= told
        for one in kind.fields:
            if one.name in written and one.kept and one.spelt:
                places = {said.api: said.path for said in explaining.of([one.name]).carried}
                known = {api: place for api, place in one.spelt.items() if api}
                assert {api: places[api] for api in known} == known


SESSION = "`session.environment.environment_template_id` of what `output` prints"


@pytest.mark.parametrize(
    ("words", "api", "path", "loss", "elsewhere"),
    [
        # One loss speaks for all that an agent's format has no room for.
        ("assistant.response_format.strict", "agents", None, "response_format.name", ""),
        ("assistant.response_format.description", "agents", None, "response_format.name", ""),
        ("assistant.response_format.schema", "agents", "text.format.schema", None, ""),
        ("assistant.temperature", "agents", None, "temperature", ""),
        # What is so anyway is not lost, and another value is.
        (
            "assistant.tools.tool_search.execution",
            "agents",
            None,
            "tools.tool_search.execution",
            "",
        ),
        ("assistant.session.environment.openai_hosted.template", "agents", None, None, SESSION),
        ("assistant.session.environment", "agents", None, None, "`session.environment`"),
        ("assistant.session.vaults", "agents", None, None, "`session.vault_ids`"),
        ("assistant.session.vaults", "responses", None, None, ""),
        ("assistant.tools.mcp.credential", "agents", "tools[].credential_id", None, ""),
        (
            "assistant.tools.mcp.credential",
            "responses",
            None,
            None,
            "`secrets.tools[0].authorization`",
        ),
        (
            "assistant.tools.shell.skills.path",
            "responses",
            "tools[].environment.skills[].path",
            None,
            "",
        ),
        ("automation.status", "every API", None, None, "a request of its own"),
        ("credential.vault", "every API", None, None, "the path of its requests"),
    ],
)
def test_nothing_is_claimed_that_is_not_sent(
    words: str, api: str, path: str | None, loss: str | None, elsewhere: str
) -> None:
    """What a request does not depend on is not in it, whatever the table of fields calls it."""
    found = {one.api: one for one in explained(words, {}).carried}[api]
    assert (found.path, found.loss) == (path, loss)
    assert found.elsewhere.startswith(elsewhere) and bool(found.elsewhere) == bool(elsewhere)


def test_what_an_api_loses_is_no_way_out() -> None:
    """An example is not mended by naming an API that does not have what it explains; where none is
    named, such an API has nothing to say of it.
    """
    example = {"model": "gpt-4o", "tools": [{"type": "computer_use"}]}
    assistant = kinds()["assistant"]
    assert troubles(assistant, example, ("tools", 0)).none
    assert not troubles(assistant, {**example, "api": "responses"}, ("tools", 0)).none


def test_limits_of_lists_count_entries() -> None:
    """As a schema has them."""
    node = explained("environment_template.capability_directories", {}).node
    assert (node["type"], node["maxItems"]) == ("array", 16_384)


def every_word(names: list[str], word: Word) -> Iterator[Explained]:
    found = word.of(names)
    yield found
    for part in found.parts if len(names) < DEEPEST else ():
        yield from every_word([*names, part.name], word)


def test_every_word_at_the_top_of_a_file_is_explained(tmp_path: Path) -> None:
    """Whatever the schemas allow there and is no kind, however deep; each example is valid in its
    own file.
    """
    spec, config = spec_schema(), workspace_schema()
    sections = {kind.section for kind in kinds().values()}
    in_specs, in_config = list(words_of("", spec, "x-base")), list(words_of("", config))
    assert {one.name for one in in_specs} == {*spec["properties"], "x-base"} - sections
    assert {one.name for one in in_config} == set(config["properties"])
    declared = {"assistants": {"support": {"model": "gpt-5.6"}}}
    several = {"environments": {"local": {"service": "local"}, "prod": {"service": "openai"}}}
    for number, found in enumerate(one for word in in_specs for one in every_word([], word)):
        (tmp_path / f"s{number}").mkdir()
        assert valid(tmp_path / f"s{number}", declared | yaml.safe_load(found.example), several)
    for number, found in enumerate(one for word in in_config for one in every_word([], word)):
        (tmp_path / f"w{number}").mkdir()
        example = yaml.safe_load(found.example)
        needed = {"environments": {"local": {"service": "local"}}, "variables": {"model": "m"}}
        needed |= example
        assert valid(tmp_path / f"w{number}", declared, needed), found.example


def valid(root: Path, spec: dict[str, Any], config: dict[str, Any]) -> bool:
    (root / "specs").mkdir()
    (root / "specs/a.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    (root / "provisioner.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    required = [name for name, one in config.get("variables", {}).items() if one is None]
    found = validate(root, variables=dict.fromkeys(required, "vs_1"))
    assert not [one.detail for one in found.problems if one.severity == "error"]
    return True
