"""Why a door does not let something through, and what to do about it."""

from domain.egress import refused_words

ADVICE = {
    "name-not-allowed": "add {host} to policy/rules/egress.yaml if this work truly needs it",
    "port-not-allowed": "add {host}:{port} to policy/rules/egress.yaml if this work truly needs it",
    "address": "use a name that policy/rules/egress.yaml allows; addresses are never dialled",
    "private-address": "the name leads to a private address; an operator may name such a mirror in the settings",
    "sni-mismatch": "the server named in the TLS hello must be the one the tunnel was asked for",
    "not-tls": "only TLS goes through a tunnel; plain HTTP is asked with an absolute URL",
    "host-mismatch": "the Host header must be the host of the URL",
    "upload-limit": "this run has sent all it may; raise the limit in the settings if that is wanted",
    "unknown-upstream": "name an upstream of the settings that this run may use",
    "unresolved": "the name is not known outside either",
    "unreachable": "no server answers there; try again later",
    "tls-failed": "this machine does not trust that server's certificate",
    "too-many-connections": "close some connections first",
    "log-full": "this run's log can hold no more, and what is not recorded is not let through",
    "credential-missing": "an operator must give the secret that this upstream, or the network's proxy, names",
    "proxy-unreachable": "the network's proxy does not answer; try again later",
    "proxy-refused": "the network's proxy does not open the way to {host}; whoever runs it may",
    "proxy-sign-in": "the network's proxy does not know the user and password that the settings name",
}


class Refused(Exception):
    """The door does not let it through. `reason` is one word of the log, `status` what an HTTP client is told."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def advice(reason: str, host: str, port: int | None) -> str:
    """Return the line that a client is told."""
    told = ADVICE.get(reason, "it was recorded").format(host=host or "-", port=port)
    return f"{refused_words(reason)}: {told}\n"
