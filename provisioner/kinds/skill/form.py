"""The fields of a skill, and how skills exist at the service: versions of a folder, of which one is
what applications get.
"""

from __future__ import annotations

import io
import time
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from provisioner import disk, shapes
from provisioner.diff import top
from provisioner.digests import digest_of, held_path, sha256_of
from provisioner.errors import PlanError, ReplyLost, ServiceError
from provisioner.kinds.base import Write
from provisioner.kinds.table import TEXT, Field, Sort, Table
from provisioner.kinds.wire import ObjectForm, Raw, check_reply, route
from provisioner.model import Address, Fields, Live, Problem
from provisioner.shapes import Shape

if TYPE_CHECKING:
    from provisioner.remote import Remote

MAIN = "SKILL.md"
MAX_FILES = 500
MAX_BYTES = 50 * 1024 * 1024
_ATTEMPTS = 3
_UPLOADED = {"content", "latest_version"}  # the fields that a new version is for
_VERSION = {"version": shapes.word, "name": shapes.text, "description": shapes.text}

FIELDS = Table(
    Field(
        "path",
        TEXT,
        "Folder of the skill, from the workspace root; it holds a `SKILL.md`",
        ["skills/triage"],
        {"min_length": 1},
        required=True,
        unread=True,
        certain=True,
        local=True,  # where the folder lies is our own business
    ),
    Field("name", Sort(written=None, shape=shapes.text), "By its `SKILL.md`"),
    Field("description", Sort(written=None, shape=shapes.text), "By its `SKILL.md`"),
    Field(
        "content",
        Sort(written=None, shape=shapes.each(shapes.word)),
        "The sha256 of each file, by its path in the folder",
        default={},
        keyed=True,
        unread=True,
        certain=True,  # a version never changes
    ),
    Field(
        "default_version",
        Sort(written=None, shape=shapes.text),
        "The version that applications get",
        given=True,
    ),
    Field(
        "latest_version",
        Sort(written=None, shape=shapes.text),
        "The newest version",
        given=True,
    ),
)


class SkillForm(ObjectForm):
    """The same through every API."""

    collection = "/skills"
    table = FIELDS
    replies: ClassVar[Mapping[str, Shape]] = {
        "default_version": shapes.text,
        "latest_version": shapes.text,
    }

    @cached_property
    def unkept(self) -> Mapping[str, str]:
        return {}

    def defaults(self, address: Address, fields: Fields) -> Fields:
        """None: a skill is called as its `SKILL.md` says."""
        return {}

    def content(self, fields: Fields) -> str:
        found = fields.get("content")
        return sha256_of(found) if found else ""

    def bytes_of(self, fields: Fields, paths: Collection[str] | None) -> Mapping[str, str]:
        if paths is not None and not _UPLOADED & set(map(top, paths)):
            return {}
        content = fields.get("content") or {}
        return {f"{fields['path']}/{name}": sha256 for name, sha256 in content.items()}

    async def read_content(self, remote: Remote, id: str) -> str:
        found = await _downloaded(remote, f"{route(self.collection, id)}/content")
        return sha256_of(found) if found else ""

    async def create(self, remote: Remote, write: Write) -> Live:
        raw = await remote.upload_together(self.collection, _parts(write))
        return self.live(raw, write.names)

    async def update(self, remote: Remote, write: Write) -> Live:
        """Another content is another version, which becomes the default one. Older versions stay:
        nothing says who names them.
        """
        path = route(self.collection, write.id or "")
        changed = set(map(top, write.paths))
        made: Raw = {}
        if changed <= {"path"}:
            return self.live(await remote.get(path), write.names)
        kept = write.fields.get("default_version")
        if kept and not changed & _UPLOADED:
            made = await _version(remote, path, kept)
            latest = write.fields.get("latest_version")
        else:
            made = await _with_content(remote, path, write)
            kept = latest = made["version"]
        raw = await remote.post(path, {"default_version": kept}, repeatable=True)
        told = {name: made[name] for name in ("name", "description") if name in made}
        # What is read back may still be what was there before; the version says what it is.
        shown = {**raw, **told, "default_version": kept, "latest_version": latest}
        return self.live(shown, write.names)


async def _with_content(remote: Remote, path: str, write: Write) -> Raw:
    """The newest version, where it has the wanted content already, as after a lost reply; otherwise
    a new one.
    """
    parts = _parts(write)
    until = time.time()
    for attempt in range(1, _ATTEMPTS + 1):
        pauses = remote.settling.pauses(until)
        found = await _newest(remote, path, write.fields["content"])
        while not found and await anext(pauses, False):
            found = await _newest(remote, path, write.fields["content"])
        if found:
            return found
        try:
            made = await remote.upload_together(f"{path}/versions", parts, {"default": "true"})
        except ReplyLost:
            if attempt == _ATTEMPTS:
                raise
            until = time.time() + remote.settling.seconds
        else:
            check_reply(f"{path}/versions", made, _VERSION)
            return made
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _newest(remote: Remote, path: str, content: Mapping[str, str]) -> Raw | None:
    """The newest version of a skill, if it has that content."""
    newest = str((await remote.get(path)).get("latest_version") or "")
    if not newest.isdecimal():
        return None
    found = await _downloaded(remote, f"{path}/versions/{newest}/content")
    return await _version(remote, path, newest) if found == content else None


async def _version(remote: Remote, path: str, version: str) -> Raw:
    place = f"{path}/versions/{version}"
    raw = await remote.find(place)
    if raw is None:
        detail = (
            f"The version `{version}` of `{path}` is gone, and was to be the default one again."
        )
        hint = (
            "change a byte of the folder, so that a new version is uploaded, or replace the skill"
        )
        raise ServiceError(Problem("Version missing", detail, f"{hint}: `--replace`"))
    check_reply(place, raw, {name: _VERSION[name] for name in ("name", "description")})
    return {**raw, "version": version}


async def _downloaded(remote: Remote, path: str) -> dict[str, str] | None:
    """The sha256 of each file of a version; None where it cannot be read, or is no skill."""
    import zipfile  # with all that packs, which most commands do without

    try:
        data = await remote.download(path)
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = [one for one in packed.infolist() if not one.is_dir()]
            if len(entries) > MAX_FILES or sum(one.file_size for one in entries) > MAX_BYTES:
                return None
            found = {
                one.filename.partition("/")[2]: digest_of(packed.read(one)).sha256
                for one in entries
            }
    except (ServiceError, zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        return None
    return found


def _parts(write: Write) -> list[tuple[str, bytes]]:
    """The planned files, in one folder; PlanError naming one that has changed since."""
    assert write.root is not None
    folder = write.fields["path"]
    base = PurePosixPath(folder).name
    return [
        (f"{base}/{name}", _planned(write.root, f"{folder}/{name}", sha256, write.address))
        for name, sha256 in sorted(write.fields["content"].items())
    ]


def _planned(root: Path, path: str, sha256: str, address: Address) -> bytes:
    try:
        data = disk.read(held_path(root, path), MAX_BYTES)
        why = "its bytes are not the planned ones"
        if digest_of(data).sha256 == sha256:
            return data
    except OSError as error:
        why = error.strerror or str(error)
    detail = f"`{path}` changed since the plan: {why}. `{address}` was not uploaded."
    raise PlanError(Problem("File changed", detail, "plan again", address=str(address)))


FORM = SkillForm()
