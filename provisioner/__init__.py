"""Assistants as code: what an application ships needs the standard library alone."""

__version__ = "0.2.0"

TYPE_CHECKING = (
    False  # as in `typing`, whose import would cost `provisioner version` more than all the rest
)
if TYPE_CHECKING:
    from provisioner.loading import Deployed, Loaded, LoadError, load

__all__ = ["Deployed", "LoadError", "Loaded", "__version__", "load"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module `provisioner` has no attribute `{name}`")
    from provisioner import loading

    return getattr(loading, name)
