"""The reference of what may stand in a spec, generated from the kinds."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.kinds import kinds
from provisioner.kinds.base import Kind
from provisioner.text import sentence
from provisioner.yamltext.examples import block
from scripts.reference import carried
from scripts.reference.markdown import NOTICE, fenced, link
from scripts.reference.nodes import Node, Shapes

INTRODUCTION = """\
A spec is any `*.yaml` or `*.yml` file below `specs/`, however deep. Its top-level keys are the
sections below. Each section maps a name to a resource. A name begins with a small letter, has small
letters, digits, `_` and `-`, and is at most 64 characters long. Keys that begin with `x-` are
ignored, so that anchors can live there.

- Every path is relative to the workspace root and stays inside it. Prompts, documents, data and
  JSON Schemas may lie below `specs/`, too, unless they are YAML, which is always a spec there.
- A field that is left out is not compared with the service. `null` asks for the service's default.
- `${var.NAME}` and `${environment}` are replaced in YAML strings. `$${` is a literal `${`.
- Where a name is expected, `{id: …}` names an object that is not managed here. A resource that is
  only `{id: …}` is checked to exist and never touched.
- A fault is reported with file, line and column. All faults are reported at once.
"""


def page() -> str:
    """The whole page."""
    schema = _schema()
    shapes = Shapes(
        schema["$defs"], {kind.spec.__name__: kind.section for kind in kinds().values()}
    )
    sections = [
        _section(kind, shapes) for kind in sorted(kinds().values(), key=lambda one: one.section)
    ]
    parts = [
        "# Specs\n",
        f"{NOTICE}\n",
        INTRODUCTION,
        _contents(),
        *sections,
        *_lists(schema, shapes),
    ]
    parts += ["## What each API can carry\n", carried.section(), "## Shapes\n", *_shapes(shapes)]
    return "\n".join(parts)


def _schema() -> Node:
    """The spec schema without the places that variables may take, which would be said at every
    field.
    """
    from pydantic.json_schema import models_json_schema

    from provisioner.schemas.shape import tidy
    from provisioner.schemas.specs import spec_schema

    models = [(kind.spec, "validation") for kind in kinds().values()]
    _, generated = models_json_schema(models, ref_template="#/$defs/{model}")  # type: ignore[arg-type]  # as in schemas.specs
    whole = spec_schema()
    return {**whole, "$defs": {**whole["$defs"], **tidy(generated)["$defs"]}}


def _contents() -> str:
    names = [kind.section for kind in sorted(kinds().values(), key=lambda one: one.section)]
    titles = [*names, "imports", "moved", "removed", "What each API can carry", "Shapes"]
    return "".join(f"- {link(name)}\n" for name in titles)


def _section(kind: Kind, shapes: Shapes) -> str:
    node = shapes.definitions[kind.spec.__name__]
    if "properties" in node:
        said = shapes.fields(node)
    else:
        said = "It may also say `only`, a list of the environments in which it exists."
        said = (
            f"{sentence(node.get('description', ''))} {said}\n\nOne of:"
            f" {shapes.words({'anyOf': node['anyOf']})}.\n"
        )
    examples = [_example(kind, number) for number in range(1, len(kind.examples) + 1)]
    return "\n".join(
        [f"## {kind.section}\n", f"{sentence(kind.summary)}\n", said, "Examples:\n", *examples]
    )


def _example(kind: Kind, number: int) -> str:
    return fenced(
        block({kind.section: {f"example_{number}": kind.examples[number - 1]}}), "yaml spec"
    )


def _lists(schema: Node, shapes: Shapes) -> Iterator[str]:
    for name in ("imports", "moved", "removed"):
        node = schema["properties"][name]
        entry = next(branch["items"] for branch in node["anyOf"] if branch.get("type") == "array")
        yield f"## {name}\n"
        yield f"{sentence(node['description'])} A list of mappings:\n"
        yield shapes.fields(entry)


def _shapes(shapes: Shapes) -> Iterator[str]:
    done = {kind.section for kind in kinds().values()}
    for called, node in shapes.used(done):
        yield f"### {called}\n"
        yield f"{sentence(node.get('description', ''))}\n"
        yield shapes.fields(node)
