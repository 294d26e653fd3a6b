"""A folder with specs: what it declares for each of its environments, and everything that is wrong
with it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.errors import SpecError, UsageError
from provisioner.kinds import kinds
from provisioner.masking import hide
from provisioner.model import Address, Position, Problem, Source
from provisioner.text import quoted, suggest
from provisioner.workspace.compiler import Compiler, Specs, keys_among
from provisioner.workspace.contents import Contents
from provisioner.workspace.declaring import Declaring, SharedWorkspace, validated
from provisioner.workspace.memory import Memory, Told
from provisioner.workspace.moves import Moves
from provisioner.workspace.sections import Sections, SourcedFinding, collect
from provisioner.workspace.setting import SETTINGS_FILE, Environment, Setting, setting
from provisioner.workspace.variables import Resolving
from provisioner.yamltext.positions import Positions

_MUCH = 50_000  # objects; looking through so many takes longer than anything that is found saves


@contextmanager
def undisturbed() -> Iterator[None]:
    """Switch the cyclic garbage collector off, and back on if it was on: 1,000 specs take 0.17 s
    instead of 0.29. What very much was made in between is never looked through: it is kept.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was and gc.get_count()[0] > _MUCH:
            gc.freeze()
        if was:
            gc.enable()


class Workspace:
    """A folder with a name: `provisioner.yaml`, `specs/` and the files they name. Each file is read
    once.
    """

    def __init__(
        self,
        root: Path,
        made: Setting,
        drafts: Mapping[str, bytes] | None = None,
        new: Iterable[str] = (),
    ) -> None:
        self.root = root
        self.name = made.name
        self.environments: dict[str, Environment] = made.environments
        self.default_environment = made.default_environment
        self._setting = made
        self._positions = Positions(root, drafts)
        locks = [
            environment.lock
            for environment in made.environments.values()
            if isinstance(environment.lock, str)
        ]
        self._contents = Contents(root, drafts, locks, new)
        self._checked: dict[tuple[str, str], Any] = {}
        self._memory: Memory | None = None
        self._compilers: dict[str, Compiler] = {}

    def remember(self) -> None:
        """Let files that were found sound before not be read again. What they declare then has no
        fields but a model: only its problems can be asked for.
        """
        apis = [environment.api for environment in self.environments.values()]
        self._memory = Memory(self.root, apis)

    def keep(self) -> None:
        """Remember what was found sound in every environment."""
        if self._memory is None or self._compilers.keys() != self.environments.keys():
            return
        sections = self._sections
        found: dict[str, list[Told]] = {path: [] for path in sections.plain}
        first, *others = (compiler.sound for compiler in self._compilers.values())
        for key, raw in sections.resources.items():
            file = raw.source.file
            if file not in found:
                continue
            if key in first and all(key in sound for sound in others):
                found[file].append((*key, first[key]))
            else:
                del found[file]
        self._memory.keep({path: (sections.plain[path], told) for path, told in found.items()})

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """The workspace in a folder. Problems of `provisioner.yaml` are among the problems of every
        `compile`. The keys of its environments are masked from now on, whoever says them.
        """
        if not root.is_dir():
            detail = f"`{root}` is not a folder."
            raise SpecError(Problem("No workspace", detail, "`-C DIR` chooses the folder"))
        made = setting(root.resolve())
        for environment in made.environments.values():
            hide(os.environ.get(environment.api_key_env))
        return cls(root.resolve(), made)

    def draft(self, files: Mapping[str, bytes]) -> Workspace:
        """The same workspace as it would be if these files held these bytes, those that are not
        there yet included; nothing is written.
        """
        changed = files.get(SETTINGS_FILE)
        made = self._setting if changed is None else setting(self.root, changed)
        drafts = {str(disk.real(self.root / path)): data for path, data in files.items()}
        new = [path for path in files if not disk.is_file(self.root / path)]
        return Workspace(self.root, made, drafts, new)

    def file(self, path: str) -> Path:
        """Where a file of the workspace lies, through links; Refused where it is not one of its
        files.
        """
        tree = self._contents.tree
        return disk.real(tree.find(tree.normal(path)).place)

    @property
    def written(self) -> set[Address]:
        """The kind and name of everything that a spec writes down, for whatever environment."""
        return {Address(*named) for named in self._sections.resources}

    def locate(self, source: Source) -> Position:
        """Where something was declared; the file is composed with positions at the first call."""
        return self._positions.locate(source)

    def compile(self, environment: str, variables: Mapping[str, str] | None = None) -> Specs:
        """What the specs want of an environment. Bad specs are reported in `problems`; an unknown
        environment is a UsageError.
        """
        if environment not in self.environments:
            hint = suggest(environment, self.environments, "environments are")
            raise UsageError(
                Problem("Unknown environment", f"There is no environment `{environment}`.", hint)
            )
        with undisturbed():
            chosen = self.environments[environment]
            resolving = Resolving(self._setting.variables, self.environments)
            values, findings = resolving.values(chosen, variables or {})
            declaring = Declaring(self._shared, values)
            compiler = Compiler(chosen, declaring, self._checked)
            compiler.findings += [SourcedFinding(source, finding) for source, finding in findings]
            compiler.run()
            compiler.findings += keys_among(compiler.desired, self.environments)
            if self._memory is not None:
                self._compilers[environment] = compiler
            moves = Moves(declaring, compiler.exists)
            imports, moved, removed = moves.imports(), moves.moved(), moves.removed()
            problems = self._problems([*compiler.findings, *moves.findings])
            self._contents.digests.save()
            return Specs(
                desired=compiler.desired,
                externals=compiler.externals,
                imports=imports,
                moved=moved,
                removed=removed,
                problems=problems,
                empty=self._sections.empty,
            )

    def let_go(self) -> None:
        """Give back what only another look at the specs would need, which then reads them again: of
        10,000 resources it is as much as what they declare.
        """
        self._checked.clear()
        for name in ("_shared", "_sections"):
            self.__dict__.pop(name, None)

    def problems(
        self, environments: Iterable[str] | None = None, variables: Mapping[str, str] | None = None
    ) -> list[Problem]:
        """Everything wrong in these environments, by default all. What is wrong in some of them
        names them.
        """
        names = list(self.environments if environments is None else environments)
        where = by_problem({name: self.compile(name, variables).problems for name in names})
        reported = [
            problem if len(found) == len(names) else naming(problem, found)
            for problem, found in where.items()
        ]
        return sorted(reported, key=lambda problem: problem.order)

    @cached_property
    def _sections(self) -> Sections:
        sections = collect(self._contents.tree, kinds(), self._memory)
        self._positions.noted = sections.places
        return sections

    @cached_property
    def _shared(self) -> SharedWorkspace:
        return SharedWorkspace(
            self.name,
            self._sections,
            contents=self._contents,
            environments=self._setting.written,
            kinds=kinds(),
            validated={},
            declared={},
        )

    def _problems(self, findings: list[SourcedFinding]) -> list[Problem]:
        common = [*self._setting.findings, *self._sections.findings]
        given = [*self._setting.problems, *self._sections.problems]
        if not (
            common
            or given
            or findings
            or self._sections.odd
            or self._sections.duplicates
            or self._setting.odd
        ):
            return []
        from provisioner.workspace.explain.problems import place, united

        return united(
            [
                *given,
                *self._odd,
                *(place(sourced, self._positions) for sourced in [*common, *findings]),
            ]
        )

    @cached_property
    def _odd(self) -> list[Problem]:
        from provisioner.workspace.explain.problems import duplicates, odd

        sections = {kind.section: kind.name for kind in kinds().values()}
        files = [*self._sections.odd, *([SETTINGS_FILE] if self._setting.odd else [])]
        strange = odd(files, self._positions, self._text_allowed, sections)
        return [*strange, *duplicates(self._sections, self._positions)]

    def _text_allowed(self, source: Source, text: str) -> bool:
        """Whether text would be accepted where something else was read: then it may have been
        meant.
        """
        by_section = {kind.section: kind.name for kind in kinds().values()}
        if source.file == SETTINGS_FILE:
            return "variables" in source.path[:-1]
        if len(source.path) < 3 or source.path[0] not in by_section:
            return not str(source.path[:1]).startswith("('x-")  # of an anchor that nothing uses
        raw = self._sections.resources.get((by_section[str(source.path[0])], str(source.path[1])))
        if raw is None or raw.source.file != source.file:
            return True
        path = source.path[2:]
        value = _with(raw.value, path, text)
        findings = validated(raw, value, self._setting.written).findings
        return not any(finding.path == path for finding in findings)


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of the value with `new` at the path; the value itself where the path leads nowhere."""
    if not path:
        return new
    if isinstance(value, dict) and path[0] in value:
        return {**value, path[0]: _with(value[path[0]], path[1:], new)}
    if isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        return [
            _with(item, path[1:], new) if index == path[0] else item
            for index, item in enumerate(value)
        ]
    return value


def by_problem(found: Mapping[str, Iterable[Problem]]) -> dict[Problem, list[str]]:
    """Each problem of several environments once, as severe as in the worst, and the names of those
    where it is that severe.
    """
    where: dict[Problem, dict[str, list[str]]] = {}
    for name, problems in found.items():
        for problem in problems:
            severities = where.setdefault(replace(problem, severity=""), {})
            severities.setdefault(problem.severity, []).append(name)
    worst: dict[Problem, list[str]] = {}
    for problem, severities in where.items():
        severity = "error" if "error" in severities else "warning"
        worst[replace(problem, severity=severity)] = severities[severity]
    return worst


def naming(problem: Problem, environments: list[str]) -> Problem:
    """The problem with the environments that have it; others do not."""
    what = "environment" if len(environments) == 1 else "environments"
    return replace(
        problem, detail=f"{problem.detail} (In the {what} {quoted(environments, 'and')}.)"
    )
