"""What the action installs: its own release as it was tested, or what is named, and never the
workspace.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.action.conftest import need
from tests.action.site import ROOT

# What this stand-in for a release says of itself is what its own dependency says, as pip has
# installed it.
COMMAND = (
    "import pinned\n\ndef main():\n    print(f'release {release}, pinned {{pinned.version}}')\n"
)
BACKEND = """\
import shutil
import pinned

def build_wheel(folder, config_settings=None, metadata_directory=None):
    assert pinned.version == 1, "built in an environment that was not pinned"
    return shutil.copy("built/{name}", folder).rpartition("/")[2]
"""
PROJECT = '[build-system]\nrequires = ["pinned"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def wheel(
    folder: Path, name: str, version: int, module: str, text: str, *, needs: str = ""
) -> Path:
    """A wheel of one module, which is a command where it has a `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{module}.py", text)
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
        if "def main" in text:
            file.writestr(
                f"{info}/entry_points.txt", f"[console_scripts]\n{module} = {module}:main\n"
            )
    return path


@dataclass(frozen=True)
class Runner:
    """A runner with a release of the action, an index that has newer versions of everything, and a
    hostile checkout.
    """

    root: Path

    @property
    def path(self) -> Path:
        return self.root / "path"

    @property
    def installed(self) -> Path:
        return self.root / "temp/provisioner-venv"

    @property
    def commands(self) -> Path:
        return self.root / "temp/provisioner-bin"

    def prepare(self) -> None:
        index, release, workspace = (
            self.root / "index",
            self.root / "release",
            self.root / "workspace",
        )
        first = wheel(index, "pinned", 1, "pinned", "version = 1\n")
        wheel(index, "pinned", 2, "pinned", "version = 2\n")
        wheel(index, "extra", 1, "extra", "")
        wheel(
            index,
            "assistants_provisioner",
            9,
            "provisioner",
            COMMAND.format(release=9),
            needs="pinned",
        )
        built = wheel(
            release / "built",
            "assistants_provisioner",
            3,
            "provisioner",
            COMMAND.format(release=3),
            needs="extra",
        )

        shutil.copytree(ROOT / "action", release / "action")
        (release / "backend.py").write_text(BACKEND.format(name=built.name), encoding="utf-8")
        (release / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
        (release / "requirements").mkdir()
        pin = f"pinned==1 --hash=sha256:{hashlib.sha256(first.read_bytes()).hexdigest()}\n"
        (release / "requirements/run.txt").write_text(pin, encoding="utf-8")

        workspace.mkdir()
        for module in ("venv", "pip", "pinned", "provisioner"):
            (workspace / f"{module}.py").write_text(
                "raise SystemExit('from the workspace')\n", encoding="utf-8"
            )
        (self.root / "temp").mkdir()
        self.path.touch()

    def checked_out(self) -> Path:
        """The action as a part of the checkout."""
        return shutil.copytree(ROOT / "action", self.root / "workspace/action")

    def install(
        self, package: str = "", *, action: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.root),
            "PYTHONPATH": str(self.root / "workspace"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.root / "index"),
            "GITHUB_WORKSPACE": str(self.root / "workspace"),
            "GITHUB_PATH": str(self.path),
            "RUNNER_TEMP": str(self.root / "temp"),
            "IN_PACKAGE": package,
        }
        script = (action or self.root / "release/action") / "install.sh"
        command = ["bash", str(script)]
        return subprocess.run(
            command,
            cwd=self.root / "workspace",
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    need("bash", "jq")
    found = Runner(tmp_path)
    found.prepare()
    return found


@pytest.mark.thorough
def test_the_release_as_it_was_tested(runner: Runner) -> None:
    """The versions of its own `run.txt` and nothing else, built with them as well, and the command
    is on the path.
    """
    done = runner.install()

    assert (done.returncode, done.stdout) == (0, "release 3, pinned 1\n"), done.stderr
    assert runner.path.read_text() == f"{runner.commands}\n"
    # No `python` and no `pip` of ours is in the way of those of the job.
    assert [path.name for path in runner.commands.iterdir()] == ["provisioner"]
    found = subprocess.run(
        [runner.commands / "provisioner"], capture_output=True, text=True, check=True
    )
    assert found.stdout == "release 3, pinned 1\n"
    assert not list(runner.installed.glob("lib/*/site-packages/extra*"))

    # A release whose versions cannot be checked is not believed, and does not get on the path.
    (runner.root / "release/requirements/run.txt").write_text("pinned==2\n", encoding="utf-8")
    again = runner.install()
    assert (again.returncode, again.stdout) == (1, "") and "Hashes are required" in again.stderr
    assert runner.path.read_text() == f"{runner.commands}\n"


@pytest.mark.thorough
def test_a_package_that_is_named(runner: Runner) -> None:
    """It comes with the newest dependencies that it allows, which is said. The action may lie in
    the checkout.
    """
    done = runner.install("assistants-provisioner==9", action=runner.checked_out())
    notice, said = done.stdout.splitlines()

    assert (done.returncode, said) == (0, "release 9, pinned 2"), done.stderr
    assert notice.startswith(
        "::notice title=Not pinned::`package` installs `assistants-provisioner==9` with the newest"
    )
    assert runner.path.read_text() == f"{runner.commands}\n"


@pytest.mark.parametrize("package", ["./here", "/tmp/here", "~/here", "--editable"])
def test_a_path_is_not_a_package(runner: Runner, package: str) -> None:
    """What is named is a requirement, neither a folder of this machine nor an option."""
    done = runner.install(package)

    assert done.returncode == 1 and done.stderr.startswith(
        "::error title=Wrong input::`package` is"
    )
    assert not runner.installed.exists()


def test_an_action_in_the_workspace(runner: Runner) -> None:
    """An action that lies in the checkout could be anybody's."""
    done = runner.install(action=runner.checked_out())

    assert done.returncode == 1 and done.stderr.startswith(
        "::error title=Wrong input::The action lies in the workspace"
    )
    assert not runner.installed.exists()
