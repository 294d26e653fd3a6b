"""Whether the variable of a vault can be given to an environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioner.kinds.base import Finding
from provisioner.model import Address, Fields


def refused(template: Fields, credential: Address, auth: Fields) -> Iterator[Finding]:
    """Why a session with that template refuses the variable that a credential is."""
    name, network = auth["secret_name"], template.get("network") or {}
    if name in (template.get("env") or {}):
        detail = (
            f"The variable `{name}` is in the template's `env`, and `{credential}` is it as well."
        )
        yield Finding((), "Variable twice", detail, "take one of them out")
    access, allowed = network.get("access"), network.get("allowed_domains") or []
    if access == "disabled":
        detail = f"`{credential}` is a variable, and the template reaches no network at all."
        yield Finding((), "Variable without network", detail, "open the network, or leave it out")
        return
    networking = auth.get("networking") or {}
    if networking.get("type") == "unrestricted":
        if access != "restricted" or not allowed:
            who = "the template has to restrict" if template else "only a template can restrict"
            detail = f"`{credential}` may be sent anywhere, which {who}."
            hint = f"give {'the' if template else 'it a'} template `access: restricted` and"
            hint += " `allowed_domains`"
            yield Finding((), "Variable without limits", detail, hint)
        return
    beyond = [host for host in networking.get("allowed_hosts") or () if not _lets(allowed, host)]
    if access == "restricted" and beyond:
        detail = f"`{credential}` is for `{beyond[0]}`, which the template does not reach."
        hint = f"add `{beyond[0]}` to `allowed_domains` of the template"
        if network.get("blocked_domains"):
            hint = f"allow `{beyond[0]}` in `allowed_domains`, instead of blocking others"
        yield Finding((), "Host not allowed", detail, hint)


def _lets(allowed: Iterable[Any], host: str) -> bool:
    for one in allowed:
        domain = str(one).lower()
        if domain == host.lower():
            return True
        if domain.startswith("*.") and host.lower().endswith(domain[1:]):
            return True
    return False
