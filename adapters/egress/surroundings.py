"""What a program in a sandbox must be told to go through the door and to trust whom this machine trusts."""

SEEN_AT = "/run/egress"  #: where a sandbox sees its door's folder
RELAY = "relay.py"
CERTIFICATES = "ca.pem"
PROXY = "http://127.0.0.1:3128"


def proxy_environment() -> dict[str, str]:
    """Return the environment of a command that has a door."""
    proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), PROXY)
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
    trusting = (
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "PIP_CERT",
        "NODE_EXTRA_CA_CERTS",
        "NPM_CONFIG_CAFILE",
        "GIT_SSL_CAINFO",
        "CARGO_HTTP_CAINFO",
    )
    return {**proxy, **direct, **dict.fromkeys(trusting, f"{SEEN_AT}/{CERTIFICATES}")}
