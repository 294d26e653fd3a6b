"""The service: the client, its errors turned into ours, lists read in full, files streamed."""

from provisioner.remote.client import Remote
from provisioner.remote.lists import together
from provisioner.remote.retries import Retries
from provisioner.remote.uploads import HashingReader

__all__ = ["HashingReader", "Remote", "Retries", "together"]
