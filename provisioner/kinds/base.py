"""What a kind is: its declared fields, and one form for each API through which its objects
exist.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.diff import top
from provisioner.kinds.table import Table
from provisioner.model import Address, Fields, Stamp
from provisioner.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path as PathOnDisk

    from pydantic import BaseModel

    from provisioner.model import Check, Live, Locked, LockState, Mapped
    from provisioner.remote import Remote


PURPOSE = "assistants"
"""What an upload is for, where nothing else is said."""

Path = tuple[str | int, ...]
"""Where a value stands below its resource."""

OPENAI = "openai"
"""Whose rule it is, where a compatible service may take what OpenAI's own refuses."""


Reference = Mapping[str, Any]
"""Where a secret is: `{"env": NAME}`, `{"file": PATH}` or `{"command": [WORD, …]}`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a resource, by the path of the offending value below it."""

    path: Path
    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    rule: str | None = None  # the service that refuses it: there it is an error all the same


@dataclass(frozen=True, slots=True)
class Loss:
    """Something declared that an API cannot carry. An environment may accept it by `name`
    (`accept_loss`).
    """

    name: str  # as `accept_loss` spells it: `temperature`, `tools.web_search`
    path: Path
    why: str
    hint: str
    also: tuple[Path, ...] = ()  # what goes by the same name, and is said in the same words


@dataclass(frozen=True)
class Names:
    """Addresses and ids, both ways."""

    ids: Mapping[Address, str] = field(default_factory=dict)

    @cached_property
    def unmanaged(self) -> dict[str, Any]:
        """By address, what stands for its object where nothing is managed."""
        return {str(address): {"id": id} for address, id in self.ids.items()}

    @cached_property
    def _addresses(self) -> dict[str, Address]:
        return {id: address for address, id in self.ids.items()}

    def id_of(self, reference: str | Mapping[str, Any]) -> str:
        """The id behind `vector_store.kb` or `{"id": …}`; KeyError where it is not known yet."""
        if isinstance(reference, str):
            return self.ids[Address.parse(reference)]
        return str(reference["id"])

    def reference(self, id: str) -> Any:
        """`vector_store.kb` for an id of ours, `{"id": …}` for any other."""
        address = self._addresses.get(id)
        return str(address) if address else {"id": id}


@dataclass(frozen=True, slots=True)
class Write:
    """What a create or an update needs to know."""

    address: Address
    fields: Fields  # as declared, whole
    names: Names
    stamp: Stamp
    id: str | None = None  # of the object to update
    paths: frozenset[str] = (
        frozenset()
    )  # update: the units that differ (`instructions`, `metadata.team`)
    lost: frozenset[str] = frozenset()  # accepted losses: not sent
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # values, by unit
    content: Any = None  # files: an opened, hashing stream of the bytes
    root: PathOnDisk | None = None  # the workspace, whose files go along


class Scope(ABC):
    """What a declaration may ask of its workspace while it becomes fields. Findings are reported,
    never raised: a method that returns None has said why.
    """

    address: Address
    environment: str
    workspace: str = ""  # its name, which goes into stamps

    @abstractmethod
    def report(self, finding: Finding) -> None:
        """Report a finding of this resource; `finding.path` is relative to it."""

    @abstractmethod
    def text(self, value: str | Mapping[str, Any], path: Path) -> str | None:
        """A string, `{file: PATH}` or `{files: [PATH, …]}` as text (BOM dropped, CRLF to LF)."""

    @abstractmethod
    def front_matter(self, value: str, path: Path) -> Mapping[str, Any] | None:
        """The YAML between two `---` at the beginning of a text file; empty where there is none."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether the workspace has a file there; nothing is reported."""

    @abstractmethod
    def document(self, value: Mapping[str, Any], path: Path) -> Any:
        """A mapping as it is, or the JSON/YAML document that `{file: PATH}` names."""

    @abstractmethod
    def reference(self, kind: str, value: str | Mapping[str, Any], path: Path) -> Any:
        """`vector_store.NAME` for a declared name, `{"id": …}` for `{id: …}` and for external
        resources.
        """

    @abstractmethod
    def file(self, value: str | Mapping[str, Any], path: Path) -> Any:
        """`file.PATH` for a path (which becomes a file resource), `{"id": …}` for `{id: …}`."""

    @abstractmethod
    def loose_file(self, value: str, path: Path) -> str | None:
        """The path of a file that is used without being a resource."""

    @abstractmethod
    def folder(self, value: str, path: Path) -> Mapping[str, tuple[str, int]] | None:
        """The sha256 and size of every file of a folder, by its path from there. They go along
        with the resource, and are no resources themselves.
        """

    @abstractmethod
    def cited(self, value: str, path: Path) -> None:
        """Say that replies have to cite a document; one that nothing of the resource holds is a
        finding.
        """

    @abstractmethod
    def glob(self, pattern: str, exclude: Sequence[str], path: Path) -> list[str]:
        """The sorted workspace paths that a path or pattern matches; none is a finding, reported
        here.
        """

    @abstractmethod
    def tool(self, name: str, path: Path) -> Fields | None:
        """The declared fields of a shared tool (already declared: parameters read, defaults not
        filled in).
        """

    @abstractmethod
    def size(self, path: str) -> int:
        """Bytes of a file of the workspace that `file` or `glob` has accepted."""

    @abstractmethod
    def set_file(self, path: str, fields: Fields, at: Path) -> None:
        """Say how a file is uploaded (`purpose`, `expires_after`); two different wishes are a
        finding.
        """


class Form(ABC):
    """How the objects of one kind exist at the service through one API: normal form and verbs."""

    api: ClassVar[str | None] = None
    table: ClassVar[Table] = Table()  # of its kind
    remote: ClassVar[bool] = True  # False: nothing exists at the service
    only_openai: ClassVar[bool] = False  # whether no other service has this API
    stamped: ClassVar[bool] = False  # whether its objects carry our stamp, in their metadata
    retired: ClassVar[Fields] = {}  # what an object is given before its successor is made
    apart: ClassVar[frozenset[str]] = frozenset()  # store files: decided and written one by one

    @cached_property
    def fixed(self) -> frozenset[str]:
        """The fields, or units of a keyed one, that cannot be changed in place."""
        return self.table.named("fixed")

    @cached_property
    def keyed(self) -> frozenset[str]:
        """The fields that are compared key by key, and paths below them that are as well."""
        return self.table.named("keyed")

    @cached_property
    def unread(self) -> frozenset[str]:
        """The fields, or units of a keyed one, that the service never shows: they are compared with
        the lock.
        """
        return self.table.named("unread")

    @cached_property
    def certain(self) -> frozenset[str]:
        """Of those, what nobody can change unseen at the service."""
        return self.table.named("unread", "certain")

    @cached_property
    def given(self) -> frozenset[str]:
        """The fields that nobody declares: what the service answers to a write is kept in the lock,
        and anything else is somebody's edit.
        """
        return self.table.named("given")

    def hides(self, path: str) -> bool:
        """Whether the service never shows a unit: `auth.token`, or a key of `env`."""
        return path in self.unread or top(path) in self.unread

    # The kinds of which it can name what is there through one API alone, and where it names it.
    through: ClassVar[Mapping[str, tuple[str, Path]]] = {}

    @cached_property
    def refers_to(self) -> frozenset[str]:
        """The kinds of what its objects can name."""
        return self.table.refers_to

    @cached_property
    def unkept(self) -> Mapping[str, str]:
        """What it means where a service does not keep a field, in half a sentence."""
        return {one.name: one.unkept for one in self.table if one.unkept}

    def check(self, address: Address, fields: Fields) -> Iterable[Finding]:
        """Limits that only this API has."""
        return ()

    def losses(self, address: Address, fields: Fields) -> Iterable[Loss]:
        """What is declared and this API cannot carry."""
        return ()

    def defaults(self, address: Address, fields: Fields) -> Fields:
        """What a new object is given beside what is declared, because it hangs on the address. It
        is nobody's own: not kept in the lock, and not compared.
        """
        return {}

    def normal(self, address: Address, fields: Fields) -> Fields:
        """The canonical shape in which desired, locked and live are compared: every default filled
        in, whatever has no order in one order, `{}` for no metadata. Pure, the same for all
        three, and made of each field alone, but for those that are `apart`.
        """
        return self.table.normal(fields, self.api)

    def later(self, fields: Fields) -> frozenset[str]:
        """The fields that a new object is not made with: an update follows at once."""
        return frozenset()

    def idle(self, live: Live) -> frozenset[str]:
        """The fields that mean nothing any more, as an object is now: they are not compared."""
        return frozenset()

    def late(self, address: Address, fields: Fields, now: float) -> Finding | None:
        """Why an object cannot be given these fields any more, at a time in Unix seconds."""
        return None

    def stuck(self, live: Live) -> frozenset[str]:
        """The fields that cannot be changed in place any more, beside those that are fixed."""
        return frozenset()

    def excludes(self, old: Fields, new: Fields) -> bool:
        """Whether the service refuses a new object for as long as the old one is there, so that a
        replacement leaves a gap.
        """
        return False

    def goes_along(self, unit: str, paths: Collection[str]) -> bool:
        """Whether an update of `paths` sends a unit."""
        return unit in paths

    def looks(self, address: Address, fields: Fields, names: Names) -> str:
        """A digest of all that the service shows of an object, by which one without a stamp is
        found again; the same for what is declared and for what is live. `names` are those that the
        fields were declared or read with.
        """
        raise NotImplementedError

    def content(self, fields: Fields) -> str:
        """A digest of what only a closer look shows, which `read_content` takes; empty where there
        is nothing more.
        """
        return ""

    def bytes_of(self, fields: Fields, paths: Collection[str] | None) -> Mapping[str, str]:
        """The sha256 of each file of the workspace that goes along with an update of `paths`, or,
        for None, with a new object.
        """
        return {}

    async def read_content(self, remote: Remote, id: str) -> str:
        """The same of an object; empty where it cannot be had."""
        return ""

    def begin(self, remote: Remote) -> None:  # noqa: B027  # not every list can be
        """Let what `list` asks for first be on its way."""

    @abstractmethod
    async def list(self, remote: Remote, names: Names) -> Sequence[Live]:
        """Every object of this kind at the service, read in full."""

    @abstractmethod
    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        """One object; None when it is gone (404 on the id itself)."""

    @abstractmethod
    async def create(self, remote: Remote, write: Write) -> Live:
        """Create an object with our stamp and return what the service says of it."""

    @abstractmethod
    async def update(self, remote: Remote, write: Write) -> Live:
        """Send what `write.paths` names. A path that is no longer declared is reset: null, or the
        default.
        """

    async def retire(self, remote: Remote, id: str) -> None:  # noqa: B027  # most need no rest
        """Let an object rest, as `retired` says, before its successor is made."""

    @abstractmethod
    async def delete(self, remote: Remote, id: str) -> None:
        """Delete an object; 404 is success."""

    def opening(self, fields: Fields, names: Names) -> Fields:
        """What a conversation with an object is begun with, beside its id. KeyError where an id is
        not known yet.
        """
        return {}

    def metadata(self, fields: Fields, lost: Collection[str] = ()) -> Fields:
        """The metadata that declared fields make, without our stamp."""
        return fields.get("metadata") or {}

    def output(self, entry: Locked, names: Names) -> Fields:
        """What an application needs of an object beside its id, as `output` prints it."""
        return {}

    async def release(self, remote: Remote, id: str, lock: LockState) -> None:  # noqa: B027  # no metadata, no stamp
        """Take the stamp of a lock off an object that is not managed by it any more."""


class UploadForm(Form):
    """A form of bytes that are uploaded. They carry no stamp: what was made is looked for among all
    of one purpose.
    """

    @abstractmethod
    async def list(
        self, remote: Remote, names: Names, purpose: str | None = PURPOSE
    ) -> Sequence[Live]:
        """Everything of one purpose, or, for None, of all of them."""


class ProfileForm(Form):
    """A form without an object at the service: a pinned request, kept in the lock and versioned
    there.
    """

    remote: ClassVar[bool] = False

    @abstractmethod
    def render(
        self,
        address: Address,
        fields: Fields,
        names: Names,
        lost: Iterable[str] = (),
        stamp: str = "",
    ) -> Fields:
        """The keyword arguments of the request. KeyError where an id is not known yet."""

    @abstractmethod
    def digest(self, request: Fields) -> str:
        """`sha256:…` of a request, whatever its stamp says."""

    @abstractmethod
    def with_stamp(self, request: Fields, stamp: str) -> Fields:
        """The same request with another stamp."""

    @abstractmethod
    def units(self, request: Fields) -> Fields:
        """What of a request is compared as one, by its path; its stamp is left out."""

    @abstractmethod
    def uses(self, request: Fields) -> Iterator[tuple[str | None, str]]:
        """Every id of the service that a request names, with its kind; None: of no kind of ours."""

    def ids(self, request: Fields) -> list[str]:
        """Every id of the service that a request names, sorted."""
        return sorted({id for _, id in self.uses(request)})

    def kept_ids(self, version: Mapping[str, Any]) -> list[str]:
        """Every id that an older version names (`Profile.older`)."""
        return self.ids(version["request"]) if "request" in version else list(version["ids"])


class Kind(ABC):
    """One sort of resource: what can be declared, and the forms that it takes."""

    name: ClassVar[str]  # `vector_store`
    section: ClassVar[str]  # `vector_stores`, its key in a spec
    summary: ClassVar[str]  # one sentence for the reference
    about: ClassVar[str]  # what one resource is, for the schema
    fields: ClassVar[Table]  # what an author may write, and what becomes of it
    examples: ClassVar[tuple[dict[str, Any], ...]]  # at least two good declarations
    apis: ClassVar[tuple[str | None, ...]] = (None,)  # that have forms of their own
    inlined: ClassVar[bool] = False  # copied into what names it: never an object
    uploaded: ClassVar[bool] = False  # a file: named by its path, known by its bytes, never changed
    holds_files: ClassVar[bool] = False  # has files of other resources in it: store files

    @cached_property
    def spec(self) -> type[BaseModel]:
        """The model of what an author may write."""
        from provisioner.kinds.common import Resource

        title = "".join(word.capitalize() for word in self.name.split("_"))
        return self.fields.model(f"{title}Spec", self.about, Resource)

    def recognized(self, value: Any) -> Any:
        """The declaration that a valid value is, without the model; None where only the model
        knows whether it is valid.
        """
        return self.fields.recognized(value)

    @property
    def per_api(self) -> bool:
        """Whether each API has objects of its own; then a lock says which one an object is of."""
        return self.apis != (None,)

    @cached_property
    def through(self) -> Mapping[str, tuple[str, Path]]:
        """The kinds of which it can name what is there through one API alone (`Form.through`)."""
        return self.form(self.apis[-1]).through if self.apis else {}

    @cached_property
    def profile_form(self) -> ProfileForm | None:
        """The form whose objects are request profiles, whichever API one of them has by now."""
        if not self.per_api:
            return None
        forms = (self.form(api) for api in self.apis)
        return next((form for form in forms if isinstance(form, ProfileForm)), None)

    @abstractmethod
    def form(self, api: str | None) -> Form:
        """The form for an API; kinds that are the same through every API ignore it."""

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """The neutral fields of one valid declaration (an instance of `self.spec`): files read,
        names resolved, shared tools inlined. What a model cannot say, lengths of texts read from
        files included, is reported here.
        """
        return self.fields.declared(spec, scope)

    def beside(self, resources: Mapping[Address, Fields]) -> Iterable[tuple[Address, Finding]]:
        """What is wrong with resources of this kind beside each other, among all that are declared
        for an environment.
        """
        return ()

    def checks(self, spec: Any, fields: Fields, scope: Scope) -> tuple[Check, ...]:
        """The conversations that must hold with a valid declaration, `fields` as declared."""
        return ()

    def references(self, fields: Fields) -> Iterator[Address]:
        """The managed resources that these fields refer to."""
        return self.fields.references(fields)

    def mapped(self, api: str | None, address: Address, fields: Fields) -> Iterable[Mapped]:
        """What an API makes of each declared field; nothing where every API makes the same."""
        return ()

    def leaves(self, before: Fields, paths: Collection[str]) -> str | None:
        """What an update of `paths` leaves at the service beside the object, in a few words."""
        return None

    def secrets(self, fields: Fields) -> Mapping[str, Reference]:
        """Where these fields take secrets from, by unit: `auth.token` -> `{"env": "TOKEN"}`."""
        return {}

    def completed(self, address: Address, fields: Fields) -> Fields:
        """What a service shows of an object, with what a spec has to say beside it: where secrets
        are that nobody gives back.
        """
        return fields

    def unfit(self, path: str, value: str) -> str | None:
        """Why a value cannot be the secret of a unit, completing "the environment variable `TOKEN`
        …"; None where it can.
        """
        return None

    def renamed(self, fields: Fields, addresses: Mapping[str, str]) -> Fields:
        """The same fields where what they refer to has another address, by the old one."""
        return self.fields.renamed(fields, addresses)
