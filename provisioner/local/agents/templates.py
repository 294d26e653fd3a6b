"""Owns environment templates: what is set up afresh for each session that names one."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..errors import no_template
from ..service import Call, EmbeddedService, Reply, new_id
from . import hosting
from .records import Records

TEMPLATES = Records("templates", no_template, kept_back=("env",))
_TEMPLATE = checks.fields(
    hosting.HOSTED | {"name": checks.nullable(checks.string(longest=256, shortest=1))}
)


def _applied(call: Call, body: Reply, given: dict[str, Any]) -> Reply:
    """What is omitted stays, what is given replaces it whole, null is the default."""
    defaults = hosting.defaults(call.headers)
    changes = {name: one for name, one in given.items() if name != "setup_commands"}
    for name, value in changes.items():
        if value is None:
            changes[name] = defaults.get(name)
    return body | changes


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _TEMPLATE("", call.body)
    hosting.check_known(service, given)
    head = {"id": new_id("envtmpl"), "object": "agent.environment.template", "name": None}
    times = {"created_at": service.now(), "updated_at": service.now()}
    body = _applied(call, head | times | hosting.defaults(call.headers), given)
    TEMPLATES.add(service, body)
    return TEMPLATES.shown(body)


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return TEMPLATES.shown(TEMPLATES.find(service, call.params["template_id"]))


def list_(service: EmbeddedService, call: Call) -> Reply:
    return TEMPLATES.page(service, call)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _TEMPLATE("", call.body)
    hosting.check_known(service, given)
    with service.database.transaction():
        body = TEMPLATES.find(service, call.params["template_id"])
        body = _applied(call, body, given) | {"updated_at": service.now()}
        TEMPLATES.write(service, body)
    return TEMPLATES.shown(body)


def delete(service: EmbeddedService, call: Call) -> Reply:
    template_id = call.params["template_id"]
    TEMPLATES.remove(service, template_id)
    return {"id": template_id, "object": "agent.environment.template.deleted", "deleted": True}
