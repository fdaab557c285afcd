"""What a program in a sandbox must be told to go through the door and to trust whom it may trust."""

SEEN_AT = "/run/egress"  #: where a sandbox sees its door's folder
RELAY = "relay.py"
CERTIFICATES = "ca.pem"  #: this machine's
DECLARED = "network-ca.pem"  #: those of a network that the settings declare
PROXY = "http://127.0.0.1:3128"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
DIRECT = ("NO_PROXY", "no_proxy")
TRUSTING = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
)


def proxy_environment(*, declared: bool = False) -> dict[str, str]:
    """Return the environment of a command that has a door; with certificates that are `declared`, those are named."""
    return {
        **dict.fromkeys(PROXIES, PROXY),
        **dict.fromkeys(DIRECT, "localhost,127.0.0.1,::1"),
        **dict.fromkeys(TRUSTING, f"{SEEN_AT}/{DECLARED if declared else CERTIFICATES}"),
    }
