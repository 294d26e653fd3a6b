"""Good specs become Desired, for each environment what it is to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import SpecError, UsageError
from provisioner.model import Address, Position, Source
from provisioner.workspace import External, Workspace

STORE = """
    vector_stores:
      kb: {files: ["docs/**/*.md"]}
    """
ASSISTANT = """
    assistants:
      support:
        model: gpt-4o
        tools: [{type: file_search, vector_stores: [kb]}]
        lifecycle: {protect: true, ignore_changes: [description]}
    """
TWO = """
    workspace: acme
    default_environment: local
    variables: {model: gpt-4o, heat: 0.5, protect: false, store: vs_1}
    environments:
      local: {service: local}
      prod: {service: https://api.example/v1, api: assistants, variables: {model: gpt-4.1, heat: 1, protect: true}}
    """


def test_resources_and_their_files_are_desired(write):
    """A store, its files and an assistant are there, with dependencies, places and lifecycle."""
    specs = write(
        {"specs/a.yaml": STORE, "specs/b.yml": ASSISTANT, "docs/x/a.md": "A", "docs/b.md": "B"}
    ).compile("local")

    assert specs.problems == []
    support = specs.desired[Address("assistant", "support")]
    assert (support.protect, support.ignore_changes, support.api) == (
        True,
        ("description",),
        "assistants",
    )
    assert support.depends_on == (Address("vector_store", "kb"),)
    assert support.source == Source("specs/b.yml", ("assistants", "support"))
    assert set(specs.desired) - {support.address} == {
        Address("vector_store", "kb"),
        Address("file", "docs/b.md"),
        Address("file", "docs/x/a.md"),
    }
    assert specs.desired[Address("file", "docs/b.md")].fields == {
        "sha256": "df7e70e5021544f4834bbee64a9e3789febc4be81470df629cad6ddb03320a5c",
        "bytes": 1,
        "purpose": "assistants",
    }


def test_a_resource_stands_where_its_name_is(write):
    """`locate` gives a resource's key and a field's value."""
    workspace = write({"specs/b.yaml": ASSISTANT})

    assert workspace.locate(Source("specs/b.yaml", ("assistants", "support"))) == Position(
        "specs/b.yaml", 2, 3
    )
    assert workspace.locate(Source("specs/b.yaml", ("assistants", "support", "model"))) == Position(
        "specs/b.yaml", 3, 12
    )


def test_variables_take_their_typed_value(write, monkeypatch):
    """Defaults < the environment's < PROVISIONER_VAR_NAME < --var; a whole scalar keeps the type,
    `$${` is literal.
    """
    workspace = write(
        {
            "provisioner.yaml": TWO,
            "specs/a.yaml": (
                """
                assistants:
                  a:
                    model: "${var.model}"
                    temperature: "${var.heat}"
                    description: "${environment}: ${var.heat} $${var.heat}"
                    lifecycle: {protect: "${var.protect}"}
                """
            ),
        }
    )

    def fields(environment, **given):
        specs = workspace.compile(environment, given)
        assert specs.problems == []
        found = specs.desired[Address("assistant", "a")]
        return [found.fields[key] for key in ("model", "temperature", "description")] + [
            found.protect
        ]

    assert fields("local") == ["gpt-4o", 0.5, "local: 0.5 ${var.heat}", False]
    assert fields("prod") == ["gpt-4.1", 1, "prod: 1 ${var.heat}", True]
    monkeypatch.setenv("PROVISIONER_VAR_heat", "0.25")
    monkeypatch.setenv("PROVISIONER_VAR_PROTECT", "false")
    assert fields("prod") == ["gpt-4.1", 0.25, "prod: 0.25 ${var.heat}", False]
    assert fields("prod", heat="0.75", model="m") == ["m", 0.75, "prod: 0.75 ${var.heat}", False]


def test_variables_that_cannot_be_used(write, monkeypatch):
    """Undeclared, missing and wrongly typed variables are problems, each once."""
    workspace = write(
        {
            "provisioner.yaml": (
                "variables: {model: null, heat: 1}\nenvironments: {local: {service: local}}"
            ),
            "specs/a.yaml": (
                "assistants:\n"
                '  a: {model: "${var.model}", temperature: "${var.heet}", name: "${var.model"}'
            ),
        }
    )
    problems = workspace.compile("local", {"heat": "hot", "modl": "x"}).problems

    assert [(p.file, p.line, p.summary) for p in problems] == [
        ("provisioner.yaml", 1, "Unknown variable"),
        ("provisioner.yaml", 1, "Missing variable"),
        ("provisioner.yaml", 1, "Wrong type"),
        ("specs/a.yaml", 2, "Unknown variable"),
        ("specs/a.yaml", 2, "Unfinished placeholder"),
    ]
    assert problems[0].hint == "did you mean `model`?"
    assert problems[3].hint == "did you mean `heat`?"


def test_only_and_external_resources(write):
    """A resource with `only` exists in its environments; one with only an `id` is external, never
    desired.
    """
    workspace = write(
        {
            "provisioner.yaml": TWO,
            "specs/a.yaml": (
                """
                vector_stores:
                  company: {id: "${var.store}"}
                  extra: {only: [prod]}
                  kb:
                    files: [docs/a.md, {path: docs/b.md, only: [prod]}, {id: file-9}]
                assistants:
                  a: {model: m, tools: [{type: file_search, vector_stores: [company]}]}
                """
            ),
            "docs/a.md": "A",
            "docs/b.md": "B",
        }
    )
    local, prod = workspace.compile("local"), workspace.compile("prod")

    assert local.problems == prod.problems == []
    assert {str(one) for one in prod.desired} - {str(one) for one in local.desired} == {
        "vector_store.extra",
        "file.docs/b.md",
    }
    assert local.externals[0] == External(
        "vector_store", "vs_1", Source("specs/a.yaml", ("vector_stores", "company"))
    )
    assert local.desired[Address("assistant", "a")].fields["tools"][0]["vector_stores"] == [
        {"id": "vs_1"}
    ]
    assert list(local.desired[Address("vector_store", "kb")].fields["files"]) == [
        "docs/a.md",
        "id:file-9",
    ]


def test_a_reference_to_what_exists_elsewhere(write):
    """A reference to a resource of other environments names the environment that it fails in."""
    workspace = write(
        {
            "provisioner.yaml": TWO,
            "specs/a.yaml": (
                """
                vector_stores: {extra: {only: [prod]}, other: {only: [stagin]}}
                assistants:
                  a: {model: m, tools: [{type: file_search, vector_stores: [extra]}]}
                """
            ),
        }
    )
    missing, unknown = sorted(workspace.problems(), key=lambda problem: problem.summary)

    assert (missing.summary, unknown.summary) == ("Not in environment", "Unknown environment")
    assert missing.detail.endswith("(In the environment `local`.)")
    assert "environment" not in workspace.compile("prod").problems[0].detail.removeprefix(
        "There is no environment"
    )


def test_imports_moved_and_removed(write):
    """The three lists are read; an import of another environment is left out."""
    specs = write(
        {
            "provisioner.yaml": TWO,
            "specs/a.yaml": (
                """
                vector_stores: {a: {}, b: {}}
                imports: [{to: vector_store.a, id: vs_1, environment: prod}, {to: vector_store.b, id: vs_2}]
                moved: [{from: vector_store.old, to: vector_store.b}]
                removed: [{from: vector_store.gone, destroy: false}]
                """
            ),
        }
    ).compile("local")

    assert specs.problems == []
    assert [(str(one.to), one.id) for one in specs.imports] == [("vector_store.b", "vs_2")]
    assert [(str(one.origin), str(one.to)) for one in specs.moved] == [
        ("vector_store.old", "vector_store.b")
    ]
    assert [(str(one.origin), one.destroy) for one in specs.removed] == [
        ("vector_store.gone", False)
    ]


def test_addresses_that_cannot_be_meant(write):
    """Unknown kinds and resources, and what is still declared, are problems."""
    problems = write(
        {
            "specs/a.yaml": (
                """
                vector_stores: {a: {}}
                imports: [{to: vector_store.aa, id: x}, {to: vectorstore.a, id: x}, {to: a, id: x, environment: prd}]
                moved: [{from: vector_store.a, to: vector_store.a}, {from: assistant.x, to: vector_store.a}]
                removed: [{from: vector_store.a}, {form: vector_store.b}]
                """
            )
        }
    ).problems()

    assert sorted(problem.summary for problem in problems) == sorted(
        [
            *["Unknown reference", "Unknown kind", "Unknown environment", "Invalid address"],
            *["Still declared", "Invalid move", "Still declared", "Unknown key"],
        ]
    )


def test_the_name_without_a_provisioner_yaml(write, tmp_path: Path):
    """The lock's workspace comes before the folder's name; there is one environment `local`."""
    workspace = write({"specs/a.yaml": STORE, "docs/a.md": "A"})
    assert (workspace.name, list(workspace.environments)) == ("acme", ["local"])
    assert workspace.environments["local"].lock_path(workspace.root).name == "lock.json"

    locked = write({".provisioner/local/lock.json": '{"workspace": "locked"}'})
    assert locked.name == "locked"


def test_an_environment_has_its_defaults(write):
    """The API follows the service; the lock lies in `locks/` unless it is the embedded
    service's.
    """
    workspace = write(
        {
            "provisioner.yaml": (
                """
                environments:
                  local: {service: local}
                  prod: {service: openai, api_key: {env: KEY}}
                  gate: {service: "https://gate.example/v1", lock: {git: {branch: b, path: p.json}}}
                """
            )
        }
    )
    found = {
        one.name: (one.api, one.api_key_env, one.lock) for one in workspace.environments.values()
    }

    assert found == {
        "local": ("assistants", "OPENAI_API_KEY", ".provisioner/local/lock.json"),
        "prod": ("responses", "KEY", "locks/prod.lock.json"),
        "gate": ("assistants", "OPENAI_API_KEY", {"git": {"branch": "b", "path": "p.json"}}),
    }


def test_losses_are_problems_until_they_are_accepted(write):
    """What Responses cannot carry is reported with `accept_loss` as the way out, and noted once it is
    accepted.
    """
    spec = """
        assistants:
          a: {model: m, description: d, api: responses, metadata: {description: mine}}
        """
    config = "environments: {local: {service: local, accept_loss: [%s]}}"
    refused = write({"specs/a.yaml": spec}).compile("local")
    assert [problem.summary for problem in refused.problems] == ["Not carried by API"]

    for accepted in ("description", '"assistant.a#description"'):
        workspace = write({"provisioner.yaml": config % accepted})
        specs = workspace.compile("local")
        assert specs.problems == []
        assert specs.desired[Address("assistant", "a")].lost == ("description",)

    unknown = (
        write({"provisioner.yaml": config % 'descripton, "assistant.b#description"'})
        .compile("local")
        .problems
    )
    assert [problem.summary for problem in unknown if problem.file == "provisioner.yaml"] == [
        "Unknown name"
    ] * 2


def test_an_unknown_environment_is_wrong_usage(write, tmp_path: Path):
    """Compiling for an environment that there is none of, or opening no folder, raises."""
    with pytest.raises(UsageError, match="no environment"):
        write({"specs/a.yaml": STORE}).compile("locl")
    with pytest.raises(SpecError, match="not a folder"):
        Workspace.open(tmp_path / "nowhere")


def test_merge_keys_and_anchors(write):
    """`<<` lays a mapping under another; `x-` sections are ignored."""
    specs = write(
        {
            "specs/a.yaml": (
                """
                x-common: &common {model: m, temperature: 0.5}
                assistants:
                  a: {<<: *common, temperature: 1.0}
                  b: {<<: [{name: B}, *common]}
                """
            )
        }
    ).compile("local")

    assert specs.problems == []
    fields = {str(address): desired.fields for address, desired in specs.desired.items()}
    assert fields["assistant.a"] == {"model": "m", "temperature": 1.0}
    assert fields["assistant.b"] == {"model": "m", "temperature": 0.5, "name": "B"}


def test_a_shared_tool_is_inlined(write):
    """`use:` puts a tool into an assistant; the tool itself is never desired."""
    specs = write(
        {
            "specs/a.yaml": (
                """
                tools: {find: {description: "in ${environment}", parameters: {type: object}}}
                assistants: {a: {model: m, tools: [{use: find}]}}
                """
            )
        }
    ).compile("local")

    assert [str(address) for address in specs.desired] == ["assistant.a"]
    tool = specs.desired[Address("assistant", "a")].fields["tools"][0]
    assert (tool["type"], tool["name"], tool["description"]) == ("function", "find", "in local")


def test_prompts_are_read(write):
    """A byte-order mark goes, CRLF becomes LF, several files are joined by an empty line."""
    specs = write(
        {
            "p/a.md": b"\xef\xbb\xbfone\r\ntwo\r\n",
            "p/b.md": b"three\n",
            "specs/a.yaml": (
                "assistants: {a: {model: m, instructions: {files: [p/a.md, ./p/b.md]}}}"
            ),
        }
    ).compile("local")

    assert specs.problems == []
    assert specs.desired[Address("assistant", "a")].fields["instructions"] == "one\ntwo\n\nthree\n"


def test_empty_specs_are_empty(write):
    """A workspace that declares nothing says so."""
    assert write({"specs/a.yaml": "x-nothing: {}"}).compile("local").empty
