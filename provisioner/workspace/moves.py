"""`imports`, `moved` and `removed`: what is said about addresses rather than declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from provisioner.kinds import is_file
from provisioner.kinds.base import Finding
from provisioner.model import Address, Source
from provisioner.text import did_you_mean, shown, suggest
from provisioner.workspace.compiler import Import, Moved, Removed
from provisioner.workspace.declaring import Declaring
from provisioner.workspace.sections import SourcedFinding, bad_id, unknown_environment


class Moves:
    """The three lists as one environment sees them."""

    def __init__(self, declaring: Declaring, exists: Callable[[Address], bool]) -> None:
        self.findings: list[SourcedFinding] = []
        self._declaring = declaring
        self._exists = exists
        self._taken: dict[tuple[str, str], Source] = {}

    def imports(self) -> tuple[Import, ...]:
        """The imports of this environment."""
        imports = []
        for entry, source in self._entries("imports"):
            name = entry.environment
            if name is not None and name not in self._declaring.environments:
                self._report(
                    source.at("environment"),
                    unknown_environment(name, list(self._declaring.environments)),
                )
            finding = bad_id(entry.id, ("id",), "An import")
            if finding:
                self._report(source, finding)
            to = self._address(entry.to, source.at("to"), declared=True)
            if (
                to
                and not finding
                and name in (None, self._declaring.environment)
                and self._once("to", to, source)
            ):
                self._once("id", entry.id, source)
                imports.append(Import(to, entry.id, source))
        return tuple(imports)

    def moved(self) -> tuple[Moved, ...]:
        """The moves."""
        moves = []
        for entry, source in self._entries("moved"):
            origin = self._address(entry.from_, source.at("from"), declared=False)
            to = self._address(entry.to, source.at("to"), declared=True)
            if origin and to and origin.kind != to.kind:
                detail = f"`{origin}` cannot become `{to}`; a move stays within one kind."
                self._report(source, Finding((), "Invalid move", detail))
            elif origin and to and self._once("from", origin, source):
                moves.append(Moved(origin, to, source))
        return tuple(moves)

    def removed(self) -> tuple[Removed, ...]:
        """The removals."""
        removals = []
        for entry, source in self._entries("removed"):
            origin = self._address(entry.from_, source.at("from"), declared=False)
            if origin and self._once("from", origin, source):
                removals.append(Removed(origin, entry.destroy, source))
        return tuple(removals)

    def _entries(self, section: str) -> Iterator[tuple[Any, Source]]:
        given = self._declaring.shared.sections.lists[section]
        if not given:
            return
        from pydantic import ValidationError

        from provisioner.workspace.entries import MODELS
        from provisioner.workspace.explain.findings import plain

        for value, source in given:
            findings: list[Finding] = []
            replaced = self._declaring.values.replace(value, findings.append)
            try:
                entry = MODELS[section].model_validate(replaced)
            except ValidationError as error:
                findings += plain(f"{section}[{source.path[-1]}]", replaced, error, MODELS[section])
            for finding in findings:
                self._report(source, finding)
            if not findings:
                yield entry, source

    def _report(self, source: Source, finding: Finding) -> None:
        self.findings.append(SourcedFinding(source, finding))

    def _address(self, text: str, source: Source, declared: bool) -> Address | None:
        try:
            address = Address.parse(text)
        except ValueError:
            hint = "write an address like `assistant.support`"
            self._report(
                source, Finding((), "Invalid address", f"`{shown(text)}` is not an address.", hint)
            )
            return None
        kinds = [name for name, one in self._declaring.shared.kinds.items() if not one.inlined]
        if address.kind not in kinds:
            known = suggest(address.kind, kinds, "kinds are")
            self._report(
                source, Finding((), "Unknown kind", f"There is no kind `{address.kind}`.", known)
            )
            return None
        if declared and not self._known(address):
            names = [f"{address.kind}.{name}" for name in self._declaring.names(address.kind)]
            hint = did_you_mean(str(address), names) or "declare it, or take this entry out"
            self._report(
                source, Finding((), "Unknown reference", f"`{address}` is not declared.", hint)
            )
            return None
        if not declared and self._exists(address):
            detail = f"`{address}` is still declared, so it cannot have moved or been removed."
            self._report(
                source,
                Finding((), "Still declared", detail, "remove the declaration, or this entry"),
            )
            return None
        return address

    def _known(self, address: Address) -> bool:
        """Declared here, or elsewhere: in another environment, or in a file that has problems of
        its own.
        """
        if is_file(address):
            return self._exists(address)
        declaring = self._declaring
        return declaring.find(address.kind, address.name) is not None or declaring.unread(
            address.name
        )

    def _once(self, role: str, named: Address | str, source: Source) -> bool:
        first = self._taken.setdefault((role, str(named)), source)
        if first is not source:
            summary = "Duplicate id" if role == "id" else "Duplicate address"
            detail = f"`{named}` is named by two entries; the other is in `{first.file}`."
            self._report(source, Finding((), summary, detail, "keep one of them"))
        return first is source
