"""Azure, where `model` is the name of a deployment, and only its owner knows of which model."""

from __future__ import annotations

import re
from dataclasses import replace

from provisioner.importing.nouns import Found, Lost

_HOSTS = r"(openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.(com|us|cn)"
_HOST = re.compile(_HOSTS)
_SAID = re.compile(rf"[\"':=]\s*[\"']?https://[\w.-]+\.{_HOSTS}\b")


def is_azure(url: str) -> bool:
    return _HOST.search(url) is not None


def says_azure(text: str) -> bool:
    """Whether a document names an endpoint at Azure as the value of something."""
    return _SAID.search(text) is not None


def on_azure(found: Found) -> Found:
    """An assistant whose model is the name of a deployment: a variable maps it, whose value nobody
    knows, so that it does not validate before somebody gives one.
    """
    model = found.fields.get("model")
    if found.kind != "assistant" or not isinstance(model, str):
        return found
    said = f"`{model}` is the name of a deployment on Azure, not of a model"
    hint = "write the model that the deployment runs"
    fields, variables = found.fields, found.variables
    if not model.startswith("${"):
        plain = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:56]
        name = f"model_{plain}" if plain else "model_deployed"
        said += f"; it became the variable `{name}`"
        hint = f"give `{name}` the model that the deployment runs, below `variables:`"
        fields = {**fields, "model": f"${{var.{name}}}"}
        variables = {**variables, name: None}
    lost = Lost(found.origin, "model", said, hint, "error")
    return replace(found, fields=fields, variables=variables, losses=(*found.losses, lost))
