"""Owns skills and their versions: folders with a `SKILL.md`, kept as zip archives."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from . import checks, paging
from .db import DbRow
from .errors import ApiError, bad, missing, no_skill
from .service import Call, EmbeddedService, Reply, new_id

MOST_FILES = 500
MOST_BYTES = 50 * 1024 * 1024
MAIN = "SKILL.md"
# Name within the skill, with its folder, and content.
_Content = tuple[str, bytes]
_UPDATE = checks.fields({"default_version": checks.string()}, ("default_version",))


def no_version(skill_id: str, version: str) -> ApiError:
    return missing(f"No version '{version}' found of skill '{skill_id}'.")


async def create(service: EmbeddedService, request: Request) -> Reply:
    files, _ = await _uploaded(request)
    name, description, archive = _read(files)
    skill_id = new_id("skill")
    body = {
        "id": skill_id,
        "object": "skill",
        "created_at": service.now(),
        "name": name,
        "description": description,
        "default_version": "1",
        "latest_version": "1",
    }
    with service.database.transaction():
        service.database.run(
            "INSERT INTO skills (id, created_at, made, body) VALUES (?, ?, 1, ?)",
            [skill_id, body["created_at"], json.dumps(body)],
        )
        _keep(service, body, "1", archive)
    return body


async def create_version(service: EmbeddedService, request: Request) -> Reply:
    files, default = await _uploaded(request)
    name, description, archive = _read(files)
    with service.database.transaction():
        row = _row(service, request.path_params["skill_id"])
        version = str(row["made"] + 1)
        service.database.run("UPDATE skills SET made = made + 1 WHERE seq = ?", [row["seq"]])
        told = {"name": name, "description": description}
        made = _keep(service, {"id": row["id"]} | told, version, archive)
        body = json.loads(row["body"]) | {"latest_version": version}
        _write(service, body | (told | {"default_version": version} if default else {}))
    return made


async def _uploaded(request: Request) -> tuple[list[_Content], bool]:
    """The files of a form, and whether they are to become the default."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise bad("Could not parse multipart form: expected the content type multipart/form-data.")
    try:
        async with request.form(max_files=MOST_FILES) as form:
            files = [await _file(field, part) for field, part in form.multi_items()]
            default = str(form.get("default", "false"))
    except HTTPException as error:
        raise bad(f"Could not parse multipart form: {error.detail}", "files") from error
    contents = [one for one in files if one is not None]
    if not contents:
        raise checks.required("files")
    size = sum(len(content) for _, content in contents)
    if size > MOST_BYTES:
        raise bad(f"The skill is too large: the limit is {MOST_BYTES} bytes.", "files")
    return contents, checks.one_of("true", "false")("default", default) == "true"


async def _file(field: str, part: UploadFile | str) -> _Content | None:
    """None for the one field that is no file."""
    if field in ("files", "files[]") and isinstance(part, UploadFile):
        return part.filename or "", await part.read()
    if field != "default" or isinstance(part, UploadFile):
        raise bad(f"Unknown parameter: '{field}'.", field, "unknown_parameter")
    return None


def _read(files: Sequence[_Content]) -> tuple[str, str, bytes]:
    """The skill's name and description, and its archive."""
    alone = files[0][1] if len(files) == 1 and zipfile.is_zipfile(io.BytesIO(files[0][1])) else None
    contents = list(files) if alone is None else _unpacked(alone)
    for path, _ in contents:
        if path.startswith("/") or ".." in path.split("/"):
            raise bad(f"Invalid path in skill: '{path}'.", "files")
    folders = {path.split("/")[0] for path, _ in contents}
    if len(folders) != 1:
        raise bad("A skill must be one directory with all its files.", "files")
    main = f"{folders.pop()}/{MAIN}"
    text = next((content for path, content in contents if path == main), None)
    if text is None:
        raise bad(f"No {MAIN} found in the skill's directory.", "files")
    name, description = _front_matter(text)
    return name, description, _packed(contents) if alone is None else alone


def _unpacked(archive: bytes) -> list[_Content]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        entries = [one for one in packed.infolist() if not one.is_dir()]
        if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
            limits = f"{MOST_FILES} files and {MOST_BYTES} bytes"
            raise bad(f"The skill is too large: the limits are {limits}.", "files")
        try:
            return [(one.filename, packed.read(one)) for one in entries]
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            raise bad(f"The archive cannot be read: {error}", "files") from error


def _packed(contents: Sequence[_Content]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, content in contents:
            packed.writestr(zipfile.ZipInfo(path), content)
    return out.getvalue()


def _front_matter(main: bytes) -> tuple[str, str]:
    import yaml

    text = main.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    head = text.split("\n---", 1)[0].removeprefix("---\n") if text.startswith("---\n") else ""
    try:
        told = yaml.safe_load(head)
    except (yaml.YAMLError, RecursionError):
        told = None
    found = told if isinstance(told, dict) else {}
    for field in ("name", "description"):
        if not isinstance(found.get(field), str) or not found[field].strip():
            raise bad(f"{MAIN} must begin with front matter that has a '{field}'.", "files")
    return found["name"], found["description"]


def _keep(service: EmbeddedService, skill: Reply, version: str, archive: bytes) -> Reply:
    version_id, now = new_id("skillver"), service.now()
    service.blob(version_id).write_bytes(archive)
    body = {
        "id": version_id,
        "object": "skill.version",
        "created_at": now,
        "skill_id": skill["id"],
        "version": version,
        "name": skill["name"],
        "description": skill["description"],
    }
    service.database.run(
        "INSERT INTO skill_versions (id, created_at, skill, version, body) VALUES (?, ?, ?, ?, ?)",
        [version_id, now, skill["id"], version, json.dumps(body)],
    )
    return body


def _write(service: EmbeddedService, body: Reply) -> None:
    service.database.run("UPDATE skills SET body = ? WHERE id = ?", [json.dumps(body), body["id"]])


def _row(service: EmbeddedService, skill_id: str) -> DbRow:
    row = service.database.one(f"SELECT * FROM {service.seen('skills')} WHERE id = ?", [skill_id])
    if row is None:
        raise no_skill(skill_id)
    return row


def _version(service: EmbeddedService, skill_id: str, version: str) -> Reply:
    row = service.database.one(
        "SELECT body FROM skill_versions WHERE skill = ? AND version = ?", [skill_id, version]
    )
    if row is None:
        raise no_version(skill_id, version)
    body: Reply = json.loads(row["body"])
    return body


def chosen(service: EmbeddedService, skill_id: str, version: str | None) -> Reply:
    """The version that somebody who names one, `latest` or none gets."""
    skill = json.loads(_row(service, skill_id)["body"])
    named = {None: skill["default_version"], "latest": skill["latest_version"]}
    return _version(service, skill_id, named.get(version) or str(version))


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    body: Reply = json.loads(_row(service, call.params["skill_id"])["body"])
    return body


def list_(service: EmbeddedService, call: Call) -> Reply:
    source = paging.PageSource(service.listed("skills"))
    return _page(service, call, source, no_skill)


def list_versions(service: EmbeddedService, call: Call) -> Reply:
    skill_id = _row(service, call.params["skill_id"])["id"]
    source = paging.PageSource("skill_versions", "skill = ?", (skill_id,))
    return _page(service, call, source, lambda one: no_version(skill_id, one))


def _page(service: EmbeddedService, call: Call, source: paging.PageSource, gone: Any) -> Reply:
    page = paging.read_page(call.query, least=0)
    rows, more = paging.select(service.database, page, source, gone)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def retrieve_version(service: EmbeddedService, call: Call) -> Reply:
    skill_id = _row(service, call.params["skill_id"])["id"]
    return _version(service, skill_id, call.params["version"])


def update(service: EmbeddedService, call: Call) -> Reply:
    """The name and the description are those of the default version."""
    version = _UPDATE("", call.body)["default_version"]
    with service.database.transaction():
        body: Reply = json.loads(_row(service, call.params["skill_id"])["body"])
        made = _version(service, body["id"], version)
        told = {name: made[name] for name in ("name", "description")}
        body |= told | {"default_version": version}
        _write(service, body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    skill_id = call.params["skill_id"]
    with service.database.transaction():
        _row(service, skill_id)
        rows = service.database.all("SELECT id FROM skill_versions WHERE skill = ?", [skill_id])
        service.database.run("DELETE FROM skills WHERE id = ?", [skill_id])
        service.database.run("DELETE FROM skill_versions WHERE skill = ?", [skill_id])
    for row in rows:
        service.blob(row["id"]).unlink(missing_ok=True)
    return {"id": skill_id, "object": "skill.deleted", "deleted": True}


def delete_version(service: EmbeddedService, call: Call) -> Reply:
    with service.database.transaction():
        skill = json.loads(_row(service, call.params["skill_id"])["body"])
        made = _version(service, skill["id"], call.params["version"])
        if made["version"] == skill["default_version"]:
            raise bad(
                f"Version '{made['version']}' is the default of skill '{skill['id']}' and cannot be"
                " deleted. Set another default version first."
            )
        service.database.run("DELETE FROM skill_versions WHERE id = ?", [made["id"]])
        newest = service.database.all(
            "SELECT version FROM skill_versions WHERE skill = ? ORDER BY seq DESC LIMIT 1",
            [skill["id"]],
        )
        _write(service, skill | {"latest_version": newest[0]["version"]})
    service.blob(made["id"]).unlink(missing_ok=True)
    told = {"object": "skill.version.deleted", "deleted": True}
    return {"id": made["id"], "version": made["version"]} | told


def content_path(service: EmbeddedService, skill_id: str, version: str | None) -> Path:
    made = chosen(service, skill_id, version)
    content = service.blob(made["id"])
    # A deleted skill may be seen for a while, but its bytes are gone.
    if not content.exists():
        raise no_skill(skill_id)
    return content
