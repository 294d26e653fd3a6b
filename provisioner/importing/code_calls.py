"""Which calls in code make assistants, stores and files, whatever the language."""

from __future__ import annotations

import re
from typing import Any

from provisioner.importing import code
from provisioner.importing.azure import is_azure
from provisioner.importing.code_schemas import docstring, parameters, schema_of, strict
from provisioner.importing.code_values import (
    MISSING,
    Closure,
    Made,
    Model,
    NoSchema,
    Opened,
    Schema,
    Thing,
    Untold,
)
from provisioner.importing.evaluating import PROMPT, Evaluator
from provisioner.importing.nouns import Lost, Origin
from provisioner.jsontext import Unreadable, canonical, read

OURS = ("agents", "openai_agents", "@openai/agents", "@openai/agents-core", "@openai/agents-openai")
_CREATES = re.compile(
    r"(?:^|\.)(?P<what>assistants|vector_stores\.files|vector_stores\.file_batches|vector_stores"
    r"|files|responses|assistants\.files)\.(?P<verb>\w+)$"
)
_MAKES = {"create", "create_and_poll", "upload", "upload_and_poll", "parse", "stream"}
_CHANGES = {"update", "modify"}
_TOOLS = {
    "file_search_tool": "file_search",
    "web_search_tool": "web_search",
    "code_interpreter_tool": "code_interpreter",
    "image_generation_tool": "image_generation",
    "hosted_mcp_tool": "mcp",
}
_ROUTE = ("/v1/assistants", "/openai/assistants")
_FUNCTION = ("function_tool", "tool")
_SETTINGS = ("model_settings", "reasoning", "filters", "user_location", "ranking_options")
_OF_CODE = (
    "shell_tool",
    "local_shell_tool",
    "computer_tool",
    "apply_patch_tool",
    "tool_search_tool",
    "programmatic_tool_calling_tool",
    "codex_tool",
)
_MODELS = ("open_ai_chat_completions_model", "open_ai_responses_model")
_CLIENTS = ("open_ai", "async_open_ai", "azure_open_ai", "async_azure_open_ai")
_SCHEMAS = (
    "pydantic_function_tool",
    "zod_function",
    "zod_responses_function",
    "zod_response_format",
    "zod_text_format",
    "agent_output_schema",
)
_GUARDS = ("run_guardrails", "load_config_bundle", "instantiate_guardrails")


def snake(text: str) -> str:
    """`fileSearchTool` and `FileSearchTool` as `file_search_tool`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return words.lower()


class Calls:
    """What the calls of one file make, in their order."""

    def __init__(self, source: str, known: dict[str, Made] | None = None) -> None:
        self.source = source
        self.known = {} if known is None else known  # what other files make, too, by its id
        self.made: list[Made] = []
        self.losses: list[Lost] = []
        self.azure = False  # whether some client of the file is Azure's
        self.strangers: dict[str, code.At] = {}  # whose `Agent` it is, where it is not ours
        self.evaluator: Evaluator | None = None
        self._ids: dict[str, int] = {}

    def __call__(self, path: str, args: list[Any], named: dict[str, Any], node: code.Call) -> Any:
        spelt = snake(self._named_there(path))
        last = spelt.rsplit(".", 1)[-1]
        if last in ("post", "fetch") and args and str(args[0]).endswith(_ROUTE):
            return self._posted(args, named, node)
        if last in _CLIENTS:
            return self._client(last, named | options(args, {}), node)
        if last in ("agent", "sandbox_agent", "realtime_agent") or spelt.endswith("agent.create"):
            return self._agent(path, args, named, node)
        match = _CREATES.search(spelt)
        if match and self._known(spelt):
            made = self._service(match["what"], match["verb"], options(args, named), args, node)
            if isinstance(made, Made):
                made.client = path.split(".")[0]
            return made
        return self._library(last, args, named, node)

    def _posted(self, args: list[Any], named: dict[str, Any], node: code.Call) -> Any:
        """A request that is written by hand: what it sends is what a call would."""
        holders = [named, *(arg for arg in args[1:] if isinstance(arg, dict))]
        for holder in holders:
            for key in ("json", "data", "body"):
                sent = holder.get(key)
                if isinstance(sent, str):
                    sent = _of_json(sent)
                if isinstance(sent, dict):
                    return self._make("assistant", sent, node)
        sent = args[1] if len(args) > 1 else None
        known = isinstance(sent, dict) and "model" in sent
        return self._make("assistant", sent, node) if known and sent else MISSING

    def _client(self, last: str, settings: dict[str, Any], node: code.Call) -> Thing:
        """A client, by the name of its class: what it makes has that name in front."""
        urls = [value for value in settings.values() if isinstance(value, str)]
        if "azure" in last or any(map(is_azure, urls)):
            self.azure = True
            return Thing("AzureOpenAI", node.at)
        return Thing("OpenAI", node.at)

    def azure_for(self, made: Made) -> bool:
        """Whether the client of something is Azure's; of one that nobody knows the file decides."""
        if made.client in ("OpenAI", "AzureOpenAI"):
            return made.client == "AzureOpenAI"
        return self.azure

    def _known(self, path: str) -> bool:
        """Whether a call is OpenAI's: others have `assistants.create`, too."""
        if "beta." in path or "openai" in path or "open_ai" in path:
            return True
        modules = [module for module, _ in self._imports().values()]
        others = any("vapi" in module.lower() for module in modules)
        return not others

    def _imports(self) -> dict[str, tuple[str, str | None]]:
        return self.evaluator.imports if self.evaluator else {}

    def _named_there(self, path: str) -> str:
        """A path that begins as its module calls it, whatever it was imported as."""
        base, dot, rest = path.partition(".")
        name = self._imports().get(base, ("", None))[1]
        return f"{name if name and name != 'default' else base}{dot}{rest}"

    # Objects of the service.

    def _service(
        self, what: str, verb: str, raw: dict[str, Any], args: list[Any], node: code.Call
    ) -> Any:
        if verb in _CHANGES and what == "assistants" and (made := self._changed(raw, args)):
            return made
        if verb in _CHANGES and what in ("assistants", "vector_stores"):
            self._say(node, "changes something that exists already; make that change in the spec")
            return Thing(what, node.at)
        if verb not in _MAKES:
            return MISSING
        if what in ("vector_stores.files", "vector_stores.file_batches"):
            return self._attach(raw, args, node)
        if what == "responses":
            if not ({"instructions", "tools", "prompt"} & raw.keys() or _system(raw.get("input"))):
                return MISSING
            return self._make("assistant", raw, node)
        kinds = {"assistants": "assistant", "vector_stores": "vector_store", "files": "file"}
        return self._make(kinds[what], raw, node) if what in kinds else MISSING

    def _make(self, kind: str, raw: dict[str, Any], node: code.Node, call: str = "") -> Made:
        unit = self.evaluator.unit if self.evaluator else None
        source = unit.source if unit else self.source
        digest = f"{source}:{kind}:{canonical(_brief(raw))[:200]}"
        self._ids[digest] = self._ids.get(digest, 0) + 1
        id = f"made:{digest}:{self._ids[digest]}"
        uncalled = self.evaluator.uncalled if self.evaluator else None
        made = Made(kind, dict(raw), node.at, id, call or node.text, "", source, uncalled)
        self.made.append(made)
        self.known[id] = made
        return made

    def _changed(self, raw: dict[str, Any], args: list[Any]) -> Made | None:
        """An assistant that was made before in the same code, and now says something else."""
        id = raw.get("assistant_id", args[0] if args else None)
        made = next((one for one in self.made if one.id == id), None)
        if made is not None:
            made.raw |= {key: value for key, value in raw.items() if key != "assistant_id"}
        return made

    def _attach(self, raw: dict[str, Any], args: list[Any], node: code.Call) -> Any:
        """Documents that are put into a store after it was made."""
        id = raw.get("vector_store_id", args[0] if args else None)
        store = next((one for one in self.made if one.id == id), None)
        files = raw.get("file_ids", [])
        files = [*files] if isinstance(files, list) else [files]
        if "file_id" in raw:
            files.append(raw["file_id"])
        opened = raw.get("files", raw.get("file", []))
        for one in opened if isinstance(opened, list) else [opened]:
            inner = one.get("file_id", one) if isinstance(one, dict) else one
            files.append(self._make("file", {"file": one}, node).id if inner is one else inner)
        if store is None:
            self._say(node, "puts documents into a store that is not made here")
            return Thing("store_file", node.at)
        store.raw.setdefault("file_ids", [])
        if isinstance(store.raw["file_ids"], list):
            store.raw["file_ids"] += files
        rest = ("attributes", "chunking_strategy")
        for key in rest:
            if key in raw:
                self._say(node, f"sets `{key}` of documents; write it into the store's `files`")
        return Thing("store_file", node.at)

    def _say(self, node: code.Node, why: str) -> None:
        source = self.evaluator.unit.source if self.evaluator else self.source
        origin = Origin(source, *node.at)
        self.losses.append(Lost(origin, node.text, why))

    def refer(self) -> None:
        """Take in the prompts that are named somewhere in the code, and in no call: each once, with
        what the outermost object says beside it.
        """
        assert self.evaluator is not None
        known = {id for made in self.made for id in _prompts(made.raw)}
        found: list[tuple[dict[str, Any], code.Node]] = []
        for raw, node in (*reversed(self.evaluator.references), *self.evaluator.constants):
            named = {key: value for key, value in raw.items() if _is_prompt(key, value)}
            if named and not known & (ids := set(_prompts(named))):
                known |= ids
                whole = raw if isinstance(node, code.DictOf) else _beside(raw)
                found.append((_as_reference(whole), node))
        for raw, node in sorted(found, key=lambda pair: pair[1].at):
            self._make("assistant", raw, node)

    # The Agents SDK.

    def _agent(self, path: str, args: list[Any], named: dict[str, Any], node: code.Call) -> Any:
        base = path.split(".")[0]
        module = self._imports().get(base, ("", None))[0]
        if module not in OURS and not module.startswith(("agents.", "@openai/agents")):
            self.strangers.setdefault(module or base, node.at)
            return Thing(path, node.at)
        return self._make("assistant", {**options(args, named), "object": "<sdk>"}, node, "Agent")

    def _library(self, last: str, args: list[Any], named: dict[str, Any], node: code.Call) -> Any:
        if last in _OF_CODE:
            if args or named:
                self._say(node, "is run by code of your application, which no spec has")
            return {"type": last.removesuffix("_tool")}
        if last in _TOOLS:
            return _hosted(_TOOLS[last], args, named)
        if last in _FUNCTION and (args or "params_json_schema" in named):
            return self._function(args[0] if args else None, named)
        if last in _SCHEMAS:
            return self._of_schema(last, args, named)
        if last in _SETTINGS:
            return options(args, named)
        if last in _MODELS:
            return named.get("model", args[0] if args else MISSING)
        return self._words(last, args, node)

    def _words(self, last: str, args: list[Any], node: code.Call) -> Any:
        if last == "prompt_with_handoff_instructions" and args:
            self._say(node, "puts words on handoffs in front; the text alone was taken")
            return args[0]
        if last in _GUARDS:
            self._say(node, "is a guardrail, which your application runs")
        return MISSING

    def _function(self, value: Any, named: dict[str, Any]) -> Any:
        """A function tool, from a function, from its settings, or from its schema."""
        if isinstance(value, Closure) and self.evaluator:
            return function_of(self.evaluator, value, named)
        if "params_json_schema" in named:
            settings = {key: named[key] for key in ("name", "description") if key in named}
            schema, firm = named["params_json_schema"], named.get("strict_json_schema", True)
            schema = strict(schema) if firm is True else schema
            return {"type": "function", **settings, "parameters": schema, "strict": firm}
        if not isinstance(value, dict) or "name" not in value:
            return MISSING
        if not isinstance(value.get("parameters"), Schema):
            return {"type": "function", **value}
        firm = value.get("strict", True)
        schema = self._schema(value["parameters"], firm is True)
        return {"type": "function", **value, "parameters": schema, "strict": firm}

    def _schema(self, value: Any, firm: bool = True) -> Any:
        """The JSON Schema that a value is; what of it is not known, otherwise."""
        assert self.evaluator is not None
        if isinstance(value, dict):
            return value
        try:
            schema = schema_of(self.evaluator, value)
        except Untold as untold:
            return NoSchema("schema", untold.text, untold.at)
        return strict(schema) if firm else schema

    def _of_schema(self, last: str, args: list[Any], named: dict[str, Any]) -> Any:
        """What OpenAI's libraries make of a schema in code: a function, or a format."""
        if last == "agent_output_schema":
            return args[0] if args and not named else MISSING
        if last in ("zod_function", "zod_responses_function"):
            given = options(args, named)
            schema = self._schema(given.get("parameters"))
            known = {key: given[key] for key in ("name", "description") if key in given}
            return {"type": "function", **known, "parameters": schema, "strict": True}
        if not args and "model" not in named:
            return MISSING
        given = args[0] if args else named["model"]
        schema = self._schema(given)
        if last == "pydantic_function_tool":
            return _of_model(given, schema, named)
        if isinstance(schema, NoSchema):
            return schema
        name = args[1] if len(args) > 1 else named.get("name")
        return {"type": "json_schema", "name": name, "strict": True, "schema": schema}


def options(args: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """The settings of a call: by name, or as one mapping (JavaScript)."""
    found: dict[str, Any] = {}
    for arg in args:
        if isinstance(arg, dict):
            found |= arg
    return found | named


def _prompts(value: Any) -> list[str]:
    """The ids of the prompts that settings name."""
    inner = value.values() if isinstance(value, dict) else ()
    found = [one for one in inner if isinstance(one, str) and one.startswith(PROMPT)]
    return [*found, *(id for one in inner if isinstance(one, dict) for id in _prompts(one))]


def _is_prompt(key: str, value: Any) -> bool:
    """Whether a key of some object refers to a prompt."""
    if isinstance(value, dict):
        return key == "prompt" and _is_prompt("id", value.get("id"))
    named = key == "id" or "prompt" in key.lower()
    return named and isinstance(value, str) and value.startswith(PROMPT)


def _beside(raw: dict[str, Any]) -> dict[str, Any]:
    """Of what a call of the application's own is given: what belongs to a prompt."""
    known = ("version", "variables")
    return {key: raw[key] for key in raw if key in known or _is_prompt(key, raw[key])}


def _as_reference(raw: dict[str, Any]) -> dict[str, Any]:
    """The same with the prompt at the key that the settings of an assistant have."""
    first = next(key for key in raw if _is_prompt(key, raw[key]))
    renamed = {"prompt" if key == first else key: raw[key] for key in raw}
    return renamed if first != "id" else {**raw}


def _of_json(text: str) -> Any:
    """What a request that is sent as text says."""
    try:
        return read(text)
    except Unreadable:
        return None


def _system(turns: Any) -> bool:
    return isinstance(turns, list) and any(
        isinstance(turn, dict) and turn.get("role") in ("system", "developer") for turn in turns
    )


def _hosted(kind: str, args: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """A hosted tool of the Agents SDK, in the spelling of the service."""
    settings = {snake(key): value for key, value in options(args, named).items()}
    config = settings.pop("tool_config", None)
    if isinstance(config, dict):
        settings |= config
    if kind == "file_search" and args and not isinstance(args[0], dict):
        settings["vector_store_ids"] = args[0] if isinstance(args[0], list) else [args[0]]
    settings.pop("include_search_results", None) if kind == "file_search" else None
    settings.pop("name", None)
    for key in (
        "require_approval",
        "allowed_tools",
        "container",
        "user_location",
        "ranking_options",
    ):
        if isinstance(settings.get(key), dict):
            settings[key] = {snake(name): value for name, value in settings[key].items()}
    return {**settings, "type": kind}


def _of_model(model: Any, schema: Any, named: dict[str, Any]) -> dict[str, Any]:
    """The function whose parameters a model is."""
    about = model.declared.about if isinstance(model, Model) else ""
    name = model.declared.name if isinstance(model, Model) else None
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "description"}
    said = named.get("description", about)
    return {
        "type": "function",
        "name": named.get("name", name),
        **({"description": said} if said else {}),
        "parameters": schema,
        "strict": True,
    }


def function_of(ev: Evaluator, closure: Closure, named: dict[str, Any]) -> dict[str, Any]:
    """The tool that a function of the application is: its name, its words and its parameters, as
    the Agents SDK makes them.
    """
    function = closure.function
    for mark in function.marks:
        if isinstance(mark, code.Call):
            given = {name: ev.value(value, closure.scope) for name, value in mark.named if name}
            named = {**given, **named}
    said, about = docstring(function.about)
    firm = named.get("strict_mode", True) is not False
    schema: Any
    try:
        schema = parameters(ev, closure, about)
        schema = strict(schema) if firm else schema
    except Untold as untold:
        schema = NoSchema("schema", untold.text, untold.at)
    made = {
        "type": "function",
        "name": named.get("name_override", function.name),
        "description": named.get("description_override", said),
        "parameters": schema,
        "strict": firm and isinstance(schema, dict),
    }
    return {key: value for key, value in made.items() if value != ""}


def is_tool(function: code.Function) -> bool:
    """Whether a function is marked as a tool of the Agents SDK."""
    return any(mark.text.split("(")[0].endswith("function_tool") for mark in function.marks)


def _brief(raw: dict[str, Any]) -> dict[str, str]:
    """What tells two objects apart, without where they stand."""
    brief: dict[str, str] = {}
    for key, value in raw.items():
        if isinstance(value, Opened):
            value = value.path
        brief[key] = value if isinstance(value, str) else type(value).__name__
    return brief
