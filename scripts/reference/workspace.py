"""The reference of `provisioner.yaml`, generated from the model that validates it."""

from __future__ import annotations

from provisioner.text import sentence
from scripts.reference.markdown import NOTICE, fenced
from scripts.reference.nodes import Shapes

INTRODUCTION = """\
The file is optional. Without it the workspace is called after its folder and has one environment,
`local`.

The values of variables are taken in this order, later ones win: the declaration at the top, the
environment, `PROVISIONER_VAR_NAME`, `--var NAME=VALUE`. A variable that is not declared at the top
is a problem.

`lock:` is a path below the workspace, or
`{git: {branch: provisioner-locks, path: prod.lock.json}}`: a branch of the same repository, written
by plain pushes and held by one writer everywhere.
"""

EXAMPLE = """\
workspace: acme-support
default_environment: local
variables: {model: gpt-4o}
environments:
  local: {service: local}
  prod:
    service: openai
    api: responses
    api_key: {env: OPENAI_API_KEY_PROD}
    lock: locks/prod.lock.json
    variables: {model: gpt-5.6}
    accept_loss: [description]
    on_drift: fail
"""


def page() -> str:
    """The whole page."""
    from provisioner.schemas import workspace_schema

    schema = workspace_schema()
    shapes = Shapes(schema["$defs"], {})
    parts = [
        "# provisioner.yaml\n",
        f"{NOTICE}\n",
        INTRODUCTION,
        fenced(EXAMPLE, "yaml provisioner.yaml"),
    ]
    parts += ["## Fields\n", shapes.fields(schema)]
    for called, node in shapes.used(set()):
        parts += [
            f"## {called}\n",
            f"{sentence(node.get('description', ''))}\n",
            shapes.fields(node),
        ]
    return "\n".join(parts)
