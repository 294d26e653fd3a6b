"""Environment templates and skills on the wire: what is sent is what the SDK knows, and what comes
back is what was sent.
"""

from __future__ import annotations

import io
from typing import Any

from provisioner.kinds import kind
from provisioner.kinds.base import Names
from provisioner.model import Address, Fields, Live
from provisioner.remote import Remote

from .gateway import Service, as_read_by_the_sdk, write

FORM = kind("environment_template").form(None)
MAIN = b"---\nname: triage\ndescription: Sorts mails.\n---\n"
EVERYTHING: Fields = {
    "name": "Box",
    "network": {"access": "restricted", "allowed_domains": ["b.example", "a.example"]},
    "files": [{"file": "file.a.csv", "path": "/workspace/a.csv"}],
    "skills": [{"skill": "skill.triage"}, {"skill": "skill.triage", "version": "1"}],
    "packages": {"python": ["pandas"], "npm": [], "system": ["ripgrep"]},
    "capability_directories": ["/workspace/capabilities"],
    "desktop": {"enabled": True},
    "env": {"REGION": "eu", "TOKEN": {"env": "TOKEN"}},
    "setup_commands": [{"command": "pip check"}, {"command": "make", "cwd": "/workspace/x"}],
}


async def named(remote: Remote) -> Names:
    file = await remote.upload(io.BytesIO(b"a\n"), "a.csv", "assistants")
    skill = await remote.upload_together("/skills", [("triage/SKILL.md", MAIN)])
    ids = {Address("file", "a.csv"): file["id"], Address("skill", "triage"): skill["id"]}
    return Names(ids)


def test_the_sdk_knows_every_field_that_is_sent(service: Service) -> None:
    """Its request type reads the body as it was written, secrets in the places of references."""
    from openai.types.beta.agents.environments import TemplateCreateParams

    async def story(remote: Remote) -> tuple[Live, Names]:
        names = await named(remote)
        secrets = {"env.TOKEN": "s3cret"}
        whole = write("environment_template", EVERYTHING, names=names, secrets=secrets)
        return await FORM.create(remote, whole), names

    made, names = service.tell(story)
    path, body = service.writes[-1]
    assert path == "/agents/environments/templates"
    assert as_read_by_the_sdk(TemplateCreateParams, body) == body
    assert body["env"] == {"REGION": "eu", "TOKEN": "s3cret"}
    at = Address("environment_template", "support")
    assert FORM.looks(at, made.fields, names) == FORM.looks(at, EVERYTHING, names)
    assert not {"env", "setup_commands"} & made.fields.keys()


def test_looks_count_what_is_named_by_its_id(service: Service) -> None:
    """An address that has come to stand for another object looks otherwise; what nobody knows the
    address of looks the same.
    """

    async def story(remote: Remote) -> Any:
        names = await named(remote)
        secrets = {"env.TOKEN": "s3cret"}
        whole = write("environment_template", EVERYTHING, names=names, secrets=secrets)
        made = await FORM.create(remote, whole)
        return names, await FORM.read(remote, made.id, Names())

    names, unnamed = service.tell(story)
    at = Address("environment_template", "support")
    wanted = FORM.looks(at, EVERYTHING, names)
    assert FORM.looks(at, unnamed.fields, Names()) == wanted
    others = Names({**names.ids, Address("file", "a.csv"): "file-other"})
    assert FORM.looks(at, EVERYTHING, others) != wanted
    hidden = {**EVERYTHING, "env": {}, "setup_commands": []}
    assert FORM.looks(at, hidden, names) == wanted
