"""What certificates are held against."""

from __future__ import annotations

import os
import re
import ssl
import sys

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]")  # how OpenSSL finds a certificate in a folder


def system_trust() -> ssl.SSLContext | None:
    """The certificates that the system trusts, by the library's rules, without importing it: that
    takes 40 ms. None where more than a look at OpenSSL's own places is needed: where the
    surroundings name others, on systems that keep them elsewhere, or where there are none to read.
    """
    if sys.platform in ("darwin", "win32"):
        return None
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return None
    paths = ssl.get_default_verify_paths()
    file = paths.openssl_cafile if os.path.isfile(paths.openssl_cafile) else None  # noqa: PTH113
    folder = paths.openssl_capath if _holds_any(paths.openssl_capath) else None
    if not (file or folder):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file, folder)
    except OSError:  # an `SSLError`, too: no certificates are in it
        return None
    return context


def _holds_any(folder: str) -> bool:
    try:
        return any(map(_HASHED.fullmatch, os.listdir(folder)))  # noqa: PTH208
    except OSError:
        return False
