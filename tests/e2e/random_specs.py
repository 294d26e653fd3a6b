"""Random workspaces and random edits of them, and what the service has to hold for each."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

Spec = dict[str, Any]

DOCS = [f"docs/{folder}{name}.md" for folder in ("", "deep/", "deep/er/") for name in "abcd"]
DATA = [f"data/{name}.csv" for name in "wxyz"]
PATTERNS = ["docs/*.md", "docs/deep/*.md", "docs/**/*.md", *DOCS]
NAMES = {
    "vector_stores": ["kb", "law", "news", "old"],
    "assistants": ["ann", "bob", "cy", "dee", "eve"],
}
MISSING = object()


def text(draw: random.Random, length: int = 12) -> str:
    return (
        "".join(
            draw.choice("abc Äé\"'\\n#:{}[]-%&*") for _ in range(draw.randint(1, length))
        ).strip()
        or "x"
    )


def keys(draw: random.Random) -> dict[str, str]:
    names = draw.sample(["team", "v", "odd key", "a.b", 'q"q', "x[0]"], draw.randint(0, 3))
    return {name: text(draw) for name in names}


def chunking(draw: random.Random) -> Any:
    size = draw.randint(100, 4096)
    return draw.choice(
        [
            "auto",
            {"max_chunk_size_tokens": size, "chunk_overlap_tokens": draw.randint(0, size // 2)},
        ]
    )


def schema(draw: random.Random) -> dict[str, Any]:
    names = draw.sample(["place", "unit", "day"], draw.randint(1, 3))
    properties = {name: {"type": draw.choice(["string", "number"])} for name in names}
    return {
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
    }


def response_format(draw: random.Random) -> Any:
    strict = {
        "type": "json_schema",
        "name": "answer",
        "strict": draw.random() < 0.5,
        "schema": schema(draw),
    }
    return draw.choice(["auto", "text", "json_object", strict])


ASSISTANT: dict[str, Callable[[random.Random], Any]] = {
    "name": text,
    "description": text,
    "instructions": lambda draw: text(draw, 200),
    "model": lambda draw: draw.choice(["gpt-4o", "gpt-4o-mini", "o3"]),
    "temperature": lambda draw: draw.choice([0, 0.3, 1, 1.0, 2]),
    "top_p": lambda draw: draw.choice([0, 0.5, 1]),
    "reasoning_effort": lambda draw: draw.choice(["low", "high"]),
    "response_format": response_format,
    "metadata": keys,
}
STORE: dict[str, Callable[[random.Random], Any]] = {
    "name": text,
    "description": text,
    "expires_after": lambda draw: {"anchor": "last_active_at", "days": draw.randint(1, 365)},
    "metadata": keys,
    "chunking": chunking,
}
TEXTS = ("name", "description", "instructions")
NULLABLE = {*TEXTS, "temperature", "top_p", "reasoning_effort", "response_format", "metadata"}


class Workspace:
    """A spec and the files on disk. `edit` changes something; `written` says what to write."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.spec: Spec = {"vector_stores": {}, "assistants": {}, "tools": {}, "files": {}}
        self.moved: list[dict[str, str]] = []
        self.disk = {path: f"# {path}\n" for path in self.draw.sample(DOCS, 7)} | {
            path: f"{path}\n" for path in DATA
        }
        self.there: set[str] = set()
        self.story: list[str] = []
        self.add_store()
        self.add_assistant()
        for _ in range(6):
            self.edit()

    def edit(self) -> None:
        """One edit that leaves the workspace valid."""
        edits = [
            self.add_store,
            self.add_assistant,
            self.add_tool,
            self.change_store,
            self.change_store,
            self.change_assistant,
            self.change_assistant,
            self.change_assistant,
            self.remove,
            self.rename,
            self.edit_file,
            self.edit_file,
            self.move_file,
            self.delete_file,
            self.same_bytes,
            self.change_files,
            self.change_files,
            self.run_file,
        ]
        edit = self.draw.choice(edits)
        self.story.append(edit.__name__)
        edit()
        self.repair()

    def written(self) -> dict[str, Any]:
        """Files to write, None for those to delete."""
        gone, self.there = self.there - self.disk.keys(), set(self.disk)
        spec = {name: section for name, section in copy.deepcopy(self.spec).items() if section}
        if self.moved:
            spec["moved"] = self.moved
        return {"specs/all.yaml": spec, **dict.fromkeys(gone), **self.disk}

    def done(self) -> None:
        """An apply has taken everything in."""
        self.moved = []

    # edits

    def add_store(self) -> None:
        self._section("vector_stores", lambda: self._fields(STORE) | {"files": self._entries()})

    def add_assistant(self) -> None:
        self._section(
            "assistants",
            lambda: self._fields(ASSISTANT) | {"model": "gpt-4o", "tools": self._tools()},
        )

    def add_tool(self) -> None:
        name = self.draw.choice(["weather", "find_user"])
        strict = self.draw.random() < 0.5
        self.spec["tools"][name] = {
            "description": text(self.draw),
            "strict": strict,
            "parameters": schema(self.draw),
        }

    def change_store(self) -> None:
        self._change("vector_stores", STORE)

    def change_assistant(self) -> None:
        self._change("assistants", ASSISTANT)
        for one in self._one_of("assistants"):
            if self.draw.random() < 0.4:
                one["tools"] = self._tools()

    def change_files(self) -> None:
        for store in self._one_of("vector_stores"):
            store["files"] = self._entries()

    def remove(self) -> None:
        section = self.spec[self.draw.choice(["vector_stores", "assistants", "assistants"])]
        if section:
            del section[self.draw.choice(sorted(section))]

    def rename(self) -> None:
        """With or without a `moved` block."""
        name = self.draw.choice(["vector_stores", "assistants"])
        section, free = self.spec[name], [one for one in NAMES[name] if one not in self.spec[name]]
        if not section or not free or self.moved:
            return
        old, new = self.draw.choice(sorted(section)), self.draw.choice(free)
        section[new] = section.pop(old)
        if self.draw.random() < 0.6:
            self.moved = [{"from": f"{name[:-1]}.{old}", "to": f"{name[:-1]}.{new}"}]
        for assistant in self.spec["assistants"].values() if name == "vector_stores" else ():
            for tool in assistant["tools"]:
                if isinstance(tool, dict) and tool.get("vector_stores") == [old]:
                    tool["vector_stores"] = [new]

    def edit_file(self) -> None:
        path = self.draw.choice(sorted(self.disk))
        self.disk[path] = f"{path} {self.draw.randint(0, 3)}\n"

    def move_file(self) -> None:
        """To another folder, under the same name."""
        old = self.draw.choice(sorted(set(self.disk) & set(DOCS)) or [""])
        free = [path for path in DOCS if path not in self.disk and path[-4:] == old[-4:]]
        if free:
            self.disk[self.draw.choice(free)] = self.disk.pop(old)

    def delete_file(self) -> None:
        docs = sorted(set(self.disk) & set(DOCS))
        if len(docs) > 2:
            del self.disk[self.draw.choice(docs)]

    def same_bytes(self) -> None:
        """A new file, or an old one with the bytes of another."""
        self.disk[self.draw.choice(DOCS)] = self.draw.choice(list(self.disk.values()))

    def run_file(self) -> None:
        if self.spec["files"]:
            self.spec["files"] = {}
        else:
            seconds = self.draw.choice([3600, 86400])
            found = {
                "path": self.draw.choice(DATA),
                "expires_after": {"anchor": "created_at", "seconds": seconds},
            }
            self.spec["files"] = {
                "run": found if self.draw.random() < 0.5 else {"path": found["path"]}
            }

    # parts

    def _section(self, name: str, make: Callable[[], Spec]) -> None:
        free = [one for one in NAMES[name] if one not in self.spec[name]]
        if free:
            self.spec[name][self.draw.choice(free)] = make()

    def _fields(self, table: dict[str, Callable[[random.Random], Any]]) -> Spec:
        return {name: make(self.draw) for name, make in table.items() if self.draw.random() < 0.5}

    def _one_of(self, section: str) -> list[Spec]:
        found = self.spec[section]
        return [found[self.draw.choice(sorted(found))]] if found else []

    def _change(self, section: str, table: dict[str, Callable[[random.Random], Any]]) -> None:
        for one in self._one_of(section):
            for field in self.draw.sample(sorted(table), self.draw.randint(1, 3)):
                luck = self.draw.random()
                if luck < 0.6:
                    one[field] = table[field](self.draw)
                elif (
                    luck < 0.8
                    and field in NULLABLE
                    and field in ASSISTANT
                    and section == "assistants"
                ):
                    one[field] = None
                elif field != "model":
                    one.pop(field, None)

    def _entries(self) -> list[Any]:
        found: list[Any] = []
        for pattern in self.draw.sample(PATTERNS, self.draw.randint(0, 3)):
            entry: Spec = {"path": pattern}
            if self.draw.random() < 0.4:
                entry["attributes"] = {
                    "team": text(self.draw),
                    "n": self.draw.choice([1, 2.5, True]),
                }
            if self.draw.random() < 0.3:
                entry["chunking"] = chunking(self.draw)
            found.append(entry if len(entry) > 1 else pattern)
        return found

    def _tools(self) -> list[Any]:
        found: list[Any] = []
        if self.spec["vector_stores"] and self.draw.random() < 0.7:
            search: Spec = {
                "type": "file_search",
                "vector_stores": [self.draw.choice(sorted(self.spec["vector_stores"]))],
            }
            if self.draw.random() < 0.5:
                search["max_num_results"] = self.draw.randint(1, 50)
            found.append(search)
        if self.draw.random() < 0.4:
            found.append(
                {
                    "type": "code_interpreter",
                    "files": self.draw.sample(DATA, self.draw.randint(0, 3)),
                }
            )
        found += [{"use": name} for name in self.spec["tools"] if self.draw.random() < 0.7]
        if self.draw.random() < 0.3:
            found.append({"type": "function", "name": "inline", "parameters": schema(self.draw)})
        self.draw.shuffle(found)
        return found

    def repair(self) -> None:
        """Take out what names something that is gone: the author would be told of it as a
        problem.
        """
        for store in self.spec["vector_stores"].values():
            store["files"] = [entry for entry in store["files"] if self.matched(path_of(entry))]
        for assistant in self.spec["assistants"].values():
            assistant["tools"] = [tool for tool in assistant["tools"] if self._known(tool)]
        for move in self.moved:
            (kind, _, old), (_, _, new) = move["from"].partition("."), move["to"].partition(".")
            if old in self.spec[f"{kind}s"] or new not in self.spec[f"{kind}s"]:
                self.moved = []

    def _known(self, tool: Any) -> bool:
        if "use" in tool:
            return tool["use"] in self.spec["tools"]
        return all(name in self.spec["vector_stores"] for name in tool.get("vector_stores", ()))

    # what it means

    def matched(self, pattern: str) -> list[str]:
        """Independent of the product: the documents on disk that one of our few patterns names."""
        folder, deep = pattern.rpartition("/")[0], "/**/" in pattern
        if "*" not in pattern:
            return [pattern] if pattern in self.disk else []
        root = folder.removesuffix("/**")
        docs = [path for path in self.disk if path in DOCS]
        return [
            path
            for path in docs
            if (path.startswith(f"{root}/") if deep else str(PurePosixPath(path).parent) == root)
        ]

    def held(self, store: str) -> dict[str, tuple[str, Spec, Any]]:
        """What a store has to hold: path → (sha256, attributes, chunking)."""
        spec = self.spec["vector_stores"][store]
        found: dict[str, tuple[str, Spec, Any]] = {}
        for entry in spec["files"]:
            said = entry if isinstance(entry, dict) else {}
            for path in self.matched(path_of(entry)):
                _, attributes, chunks = found.get(path, ("", {}, spec.get("chunking", "auto")))
                chunks = said.get("chunking", chunks)
                found[path] = (
                    sha256(self.disk[path]),
                    {**attributes, **said.get("attributes", {})},
                    chunks,
                )
        return found

    def files(self) -> set[str]:
        """Every path that is uploaded."""
        stores = {path for store in self.spec["vector_stores"] for path in self.held(store)}
        tools = [
            tool
            for one in self.spec["assistants"].values()
            for tool in one["tools"]
            if isinstance(tool, dict)
        ]
        return (
            stores
            | {path for tool in tools for path in tool.get("files", ())}
            | {one["path"] for one in self.spec["files"].values()}
        )


def path_of(entry: Any) -> str:
    return str(entry["path"] if isinstance(entry, dict) else entry)


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
