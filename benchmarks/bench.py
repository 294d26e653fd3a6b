"""What the rows share: sizes, workspaces and deployed services, each made once and only when a row
needs it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import workspaces
from benchmarks.measuring import provisioner
from benchmarks.service import Service, serving


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    many: int = 1_000  # assistants
    huge: int = 10_000  # assistants, files of a store, local files
    few: int = 100  # assistants that a plain script creates one by one
    upload: int = 512 << 20  # bytes
    local_file: int = 100_000  # bytes
    pairs: int = 5
    slow_pairs: int = 3  # where one run takes seconds
    delay: float = 0.05  # seconds that each request takes

    def put_into(self, text: str) -> str:
        """The words of a row with the sizes in them."""
        return text.format(
            many=self.many, huge=self.huge, few=self.few, megabytes=self.upload >> 20
        )


QUICK = Sizes(
    many=120, huge=350, few=10, upload=8 << 20, local_file=10_000, pairs=1, slow_pairs=1, delay=0.01
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A workspace that was applied to a running service; a plan of it has nothing to do."""

    root: Path
    service: Service


class Bench:
    """One run of the benchmarks in a scratch folder."""

    def __init__(self, scratch: Path, sizes: Sizes, stack: ExitStack) -> None:
        self.scratch, self.sizes = scratch, sizes
        self._stack = stack
        self._made: dict[str, Path] = {}
        self._deployed: dict[Path, Deployed] = {}

    def assistants(self, count: int) -> Path:
        """A workspace of `count` assistants."""
        name = f"assistants-{count}"
        if name not in self._made:
            self._made[name] = workspaces.assistants(self.scratch / name, count)
        return self._made[name]

    def documents(self, count: int) -> Path:
        """A workspace of one store with `count` files."""
        name = f"documents-{count}"
        if name not in self._made:
            self._made[name] = workspaces.documents(self.scratch / name, count)
        return self._made[name]

    def bodies(self, count: int) -> Path:
        """What creating `count` assistants sends."""
        name = f"bodies-{count}.json"
        if name not in self._made:
            self._made[name] = workspaces.bodies(self.scratch / name, count)
        return self._made[name]

    def deployed(self, root: Path) -> Deployed:
        """A workspace at a service of its own, delayed from now on."""
        if root not in self._deployed:
            service = self._stack.enter_context(serving(self.scratch / f"{root.name}-service"))
            workspaces.point_to(root, service)
            provisioner("apply", "-y", "-q", "--parallelism", "16", cwd=root)
            service.delay(self.sizes.delay)
            self._deployed[root] = Deployed(root, service)
        return self._deployed[root]
