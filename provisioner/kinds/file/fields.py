"""The fields of a file: what says how it is uploaded, and what it then is."""

from __future__ import annotations

from provisioner import shapes
from provisioner.kinds.base import PURPOSE
from provisioner.kinds.table import TEXT, Field, Sort, Table

FIELDS = Table(
    Field(
        "path",
        TEXT,
        "Path from the workspace root",
        ["data/sales.csv"],
        {"min_length": 1},
        required=True,
        kept=False,
    ),
    Field(
        "sha256",
        Sort(written=None, shape=shapes.text),
        "Of the bytes",
        fixed=True,
        unread=True,
        certain=True,  # the bytes of an id never change
    ),
    Field("bytes", Sort(written=None, shape=shapes.whole), "How many there are", fixed=True),
    Field(
        "purpose",
        Sort(written="provisioner.kinds.file.spec:Purpose", shape=shapes.text),
        "What the service may use it for; vector stores and the code interpreter want `assistants`",
        ["user_data"],
        said=PURPOSE,
        default=PURPOSE,
        fixed=True,
    ),
    Field(
        "expires_after",
        Sort(written="provisioner.kinds.file.spec:FileExpiry", shape=shapes.mapping()),
        "When the service deletes it; never when left out",
        [{"anchor": "created_at", "seconds": 604800}],
        fixed=True,
    ),
)
