"""The certificates that programs in a sandbox trust: those declared, else this machine's, as a file they can be
pointed at.
"""

import os
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from domain.errors import EgressUnavailable

USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def bundle(declared: Path | None = None) -> Path:
    """Return the bundle of certificates that is declared, else this machine's.

    Raises:
        EgressUnavailable: it is not there, or the machine has none.
    """
    if declared is not None:
        if not declared.is_file():
            raise EgressUnavailable(f"the declared certificates are gone: {declared}")
        return declared
    for path in _candidates():
        if path.is_file():
            return path
    raise EgressUnavailable("this machine has no CA certificates; install ca-certificates or set SSL_CERT_FILE")


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("SSL_CERT_FILE"):
        yield Path(named)
    if built_in := ssl.get_default_verify_paths().cafile:
        yield Path(built_in)
    yield from map(Path, USUAL)
    if (found := find_spec("certifi")) is not None and found.origin:
        yield Path(found.origin).with_name("cacert.pem")
