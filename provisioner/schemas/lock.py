"""The schema of the lockfile."""

from __future__ import annotations

from typing import Any

from provisioner.schemas.shape import described, document

ORIGIN = {
    "type": "object",
    "properties": {
        "base_url": described(
            {"type": "string"}, "Where the service is", ["https://api.openai.com/v1"]
        ),
        "organization": described({"type": ["string", "null"]}, "The organization", ["org-abc"]),
        "project": described({"type": ["string", "null"]}, "The project", ["proj_abc"]),
    },
    "required": ["base_url", "organization", "project"],
}


def lock_schema() -> dict[str, Any]:
    """What was last applied, with the ids of the objects. Keys of later releases are allowed beside
    these.
    """
    return {
        **document(
            "lock.schema.json",
            "Lockfile",
            "What was last applied, and the ids that the objects have",
        ),
        "type": "object",
        "properties": {
            "version": described(
                {"enum": [1, 2]}, "Version of this format; 1 is that of release 0.1.0", [2]
            ),
            "written": described(
                {"type": "string", "format": "date-time"}, "When it was last written, in UTC"
            ),
            "applied": described({"$ref": "#/$defs/Applied"}, "Which approval was used last"),
            "deleted": described(
                {"type": "array", "items": {"type": "string", "minLength": 1}},
                "Ids that were imported and have gone since, so that an import may still name them",
            ),
            "lineage": described(
                {"type": "string", "minLength": 8},
                "Made once, at the first apply; part of every stamp",
            ),
            "serial": described(
                {"type": "integer", "minimum": 0}, "Counts the applies that changed something", [12]
            ),
            "workspace": described(
                {"type": "string", "minLength": 1}, "Name of the workspace", ["acme-support"]
            ),
            "environment": described(
                {"type": "string", "minLength": 1}, "Name of the environment", ["prod"]
            ),
            "origin": described(ORIGIN, "The service whose objects these are"),
            "resources": described(
                {
                    "type": "object",
                    "propertyNames": {"pattern": "^[a-z_]+\\..+"},
                    "additionalProperties": {"$ref": "#/$defs/Entry"},
                },
                "Every applied resource by its address",
            ),
        },
        "required": [
            "version",
            "lineage",
            "serial",
            "workspace",
            "environment",
            "origin",
            "resources",
        ],
        "$defs": {
            "Entry": _ENTRY,
            "Kept": _KEPT,
            "Overwritten": _OVERWRITTEN,
            "Applied": _APPLIED,
            "Deposed": _DEPOSED,
            "Version": _VERSION,
        },
    }


_TEXTS = {"type": "array", "items": {"type": "string"}}

_WRITTEN = described(
    {"type": "string", "format": "date-time"}, "When this version of the request was made, in UTC"
)
_COMMIT = described({"type": "string"}, "The commit that `apply --commit` was given for it")
_RESTORES = described(
    {"type": "integer", "minimum": 1},
    "The older version whose request it is once more: it was rolled back to that",
    [3],
)

_ENTRY: dict[str, Any] = {
    "type": "object",
    "description": "One resource. What is empty is left out",
    "properties": {
        "id": described(
            {"type": ["string", "null"]},
            "Id at the service; none under `responses`",
            ["asst_abc123"],
        ),
        "api": described(
            {"type": ["string", "null"]}, "The API it was deployed through", ["assistants"]
        ),
        "fields": described(
            {"type": "object"},
            "Exactly the declared fields, as declared; references as addresses",
        ),
        "depends_on": described(_TEXTS, "Addresses that it refers to", [["vector_store.handbook"]]),
        "protected": described({"type": "boolean"}, "Whether it must not be deleted or replaced"),
        "unkept": described(
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/Kept"}},
            "What the service dropped or changed when it was written, by the path of the field",
        ),
        "resetting": described(
            _TEXTS, "Fields that are being reset to their default", [["temperature"]]
        ),
        "overwritten": described(
            {"$ref": "#/$defs/Overwritten"},
            "What the last update wrote over: there again, it was not kept",
        ),
        "deposed": described(
            {"type": "array", "items": {"$ref": "#/$defs/Deposed"}},
            "Older objects of it that still exist",
        ),
        "made": described({"type": "boolean"}, "False: taken over, not made by provisioner"),
        "verified": described(
            {"type": "boolean"},
            "False, for files: its bytes at the service were never compared with the local ones",
        ),
        "fingerprints": described(
            {"type": "object", "additionalProperties": {"type": "string"}},
            "What was sent of each secret, to whoever has the key",
            [{"auth.token": "hmac-sha256:0a1b2c3d:…"}],
        ),
        "updated_at": described(
            {"type": "integer"},
            "Of what has secrets: when the service says that our last write was",
        ),
        "resent": described(
            {"type": "boolean"},
            "True, for files: its upload was sent again after a lost reply, and a second one"
            " may turn up",
        ),
        "version": described(
            {"type": "integer", "minimum": 1}, "Version of the request profile", [3]
        ),
        "digest": described({"type": "string"}, "Digest of the request", ["sha256:…"]),
        "request": described({"type": "object"}, "The keyword arguments of `responses.create`"),
        "request_order": described(
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "The order of keys in the request, by JSON pointer, where it is not alphabetical",
        ),
        "versions": described(
            {"type": "array", "items": {"$ref": "#/$defs/Version"}},
            "Older versions, whose ids are kept alive, also after a change of API",
        ),
        "written": _WRITTEN,
        "commit": _COMMIT,
        "restores": _RESTORES,
    },
    "required": ["fields"],
}

_APPLIED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "commit": described({"type": "string"}, "The commit that `apply --commit` was given"),
        "checksum": described({"type": "string"}, "Of the plan that was approved and applied"),
        "left": described(
            {"type": "array", "items": {"type": "string"}},
            "Digests of what of that plan is still to do, after a failure",
        ),
    },
    "required": ["commit", "checksum"],
}

_DIGESTS = {"type": "object", "additionalProperties": {"type": "string"}}

_OVERWRITTEN: dict[str, Any] = {
    "type": "object",
    "description": "What an update wrote over",
    "properties": {
        "serial": described({"type": "integer"}, "In our stamp before the update", [11]),
        "values": described(_DIGESTS, "Digests of the values before it, by the path of the field"),
    },
    "required": ["serial", "values"],
}


_KEPT_FIELDS = {
    "sent": described({}, "What was sent"),
    "got": described({}, "What the service made of it"),
}

_KEPT: dict[str, Any] = {"type": "object", "properties": _KEPT_FIELDS, "required": ["sent", "got"]}


_OLDER_ID = described({"type": "string"}, "Id of the older object", ["vs_abc123"])
_OLDER_FILES = described(
    {"type": "array", "items": {"type": "string"}},
    "The files that an older vector store holds",
)
_OLDER_API = described(
    {"type": "string"},
    "The API it came through, where that is another one by now",
    ["assistants"],
)

_DEPOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"id": _OLDER_ID, "files": _OLDER_FILES, "api": _OLDER_API},
    "required": ["id"],
}


_VERSION_FIELDS = {
    "version": described({"type": "integer", "minimum": 1}, "Its number"),
    "digest": described({"type": "string"}, "Digest of its request"),
    "request": described({"type": "object"}, "Its request"),
    "request_order": described({"type": "object"}, "The order of keys in it, as for the newest"),
    "fields": described({"type": "object"}, "What was declared for it"),
    "written": _WRITTEN,
    "commit": _COMMIT,
    "restores": _RESTORES,
    "ids": described(
        {"type": "array", "items": {"type": "string"}},
        "Instead of a request, from release 0.1.0: the ids it names",
    ),
}

_VERSION: dict[str, Any] = {
    "type": "object",
    "properties": _VERSION_FIELDS,
    "required": ["version", "digest"],
    "anyOf": [{"required": ["request"]}, {"required": ["ids"]}],
}
