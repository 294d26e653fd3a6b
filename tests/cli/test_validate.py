"""`validate -v`: what the API of each environment makes of everything."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from provisioner import schemas
from tests.support.world import World

SPEC = {
    "assistants": {
        "a": {
            "model": "gpt-4o",
            "temperature": 0.2,
            "reasoning_effort": "low",
            "tools": ["image_generation", "web_search"],
        }
    }
}


def test_the_mapping(world: World) -> None:
    """Beside the problems, in words and as a document with a schema; an accepted loss says so.
    Nothing of it without `-v`.
    """
    environments = {
        "old": {"service": "local", "api": "assistants", "lock": "old.json"},
        "new": {
            "service": "local",
            "api": "agents",
            "accept_loss": ["temperature"],
            "lock": "new.json",
        },
    }
    world.write({"specs/a.yaml": SPEC, "provisioner.yaml": {"environments": environments}})
    shown = world.ok("validate", "-e", "new", "-v", code=1)
    assert "assistant.a in `new`, api: agents\n" in shown.out and "`old`" not in shown.out
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "renamed reasoning_effort → reasoning.effort" in lines
    assert "lost temperature accepted with `accept_loss: [temperature]`" in lines
    assert any(
        line.startswith("lost tools[0]: image_generation write `api: responses`") for line in lines
    )
    assert "error: Not carried by API" in shown.err
    assert world.ok("validate", "-e", "new", code=1).out == ""

    document = world.ok("validate", "-v", "--json", code=1).json
    Draft202012Validator(schemas.validate_schema()).validate(document)
    assert [one["environment"] for one in document["mapping"]] == ["old", "new"]
    fields = {one["path"]: one for one in document["mapping"][1]["fields"]}
    assert (fields["temperature"]["how"], fields["temperature"]["accepted"]) == ("lost", True)
    assert (fields["tools[0]"]["loss"], fields["tools[0]"]["accepted"]) == (
        "tools.image_generation",
        False,
    )
    plain = world.ok("validate", "--json", code=1).json
    assert "mapping" not in plain
    Draft202012Validator(schemas.validate_schema()).validate(plain)
