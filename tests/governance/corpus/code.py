"""Defects that scanners find in code, and in what lies beside it. Put together so that no scanner finds them here."""

from typing import Final

from tests.governance.corpus.planted import added, appended, pair

SHELL: Final = "def listed(name):\n    import subprocess\n\n    return subprocess.run({}, shell={}, check=True){}\n"
QUERY: Final = "def found(cursor, name):\n    return cursor.execute({})\n"
LOADED: Final = "def loaded(text):\n    import {0}\n\n    return {0}.{1}\n"
SCRIPT: Final = "export function show(element, name) {{\n  element.{} = name;\n}}\n"
TOTAL: Final = "def total(numbers):\n    return sum({}){}\n"
GATHER: Final = "def gather(one, into{}):\n    into{}\n    into.append(one)\n    return into\n"
LATE: Final = (
    "def steps(many):\n    told = []\n    for one in many:\n        told.append(lambda{}: one)\n    return told\n"
)

LINT: Final = (
    pair("lint", "a name that nobody defined", appended(TOTAL.format("nubmers", "")), appended(TOTAL.format("numbers", ""))),
    pair("lint", "the same, told to be quiet",
         appended(TOTAL.format("nubmers", "  # " + "noqa")), appended(TOTAL.format("numbers", "  # all of them"))),
    pair("lint", "a default that all calls share",
         appended(GATHER.format("=[]", " = into or []")), appended(GATHER.format("=None", " = into or []"))),
    pair("lint", "functions that all mean the last one",
         appended(LATE.format("")), appended(LATE.format(" one=one"))),
)  # fmt: skip

_QUIET: Final = "  # " + "nosec " + "# noqa " + "# nosemgrep"
_AS_TEXT, _AS_WORDS = SHELL.format('f"ls {name}"', "True", ""), SHELL.format('["ls", name]', "False", "")
SAST: Final = (
    pair("sast", "a shell reads what a caller wrote", appended(_AS_TEXT), appended(_AS_WORDS)),
    pair("sast", "the same, told to be quiet",
         appended(SHELL.format('f"ls {name}"', "True", _QUIET)), appended(SHELL.format('["ls", name]', "False", _QUIET))),
    pair("sast", "SQL put together as text",
         appended(QUERY.format("f\"SELECT * FROM users WHERE name = '{name}'\"")),
         appended(QUERY.format('"SELECT * FROM users WHERE name = %s", (name,)'))),
    pair("sast", "YAML that may make any object",
         appended(LOADED.format("yaml", "load(text, Loader=yaml.Loader)")), appended(LOADED.format("yaml", "safe_load(text)"))),
    pair("sast", "pickled data of strangers",
         appended(LOADED.format("pickle", "loads(text)")), appended(LOADED.format("json", "loads(text)"))),
    pair("sast", "a digest that is broken",
         appended(LOADED.format("hashlib", "md5(text).hexdigest()")), appended(LOADED.format("hashlib", "sha256(text).hexdigest()"))),
    pair("sast", "a value that becomes markup",
         added({"docs/_static/show.js": SCRIPT.format("innerHTML")}), added({"docs/_static/show.js": SCRIPT.format("textContent")})),
)  # fmt: skip

_KEY: Final = "AKIA" + "QYLPMN5HFIQR7XYB"
_PEM: Final = "-----BEGIN {0} PRIVATE " + "KEY-----\n{1}\n-----END {0} PRIVATE " + "KEY-----\n"
_BODY: Final = "MIIEowIBAAKCAQEAv7Jq3mXn2Wd0Zp5oYt8uCkRfLsEaHbGiTjVxNzQwMlKyPdSr"
_PUBLIC: Final = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
_TOKEN: Final = "gh" + "p_" + "R8kQ2vXw7LzNc4TbYd9MhJf3GsPa6UeV1Ko5"
SECRETS: Final = (
    pair("secrets", "a key of a cloud",
         added({"deploy.cfg": f"[deploy]\nkey = {_KEY}\n"}), added({"deploy.cfg": "[deploy]\nkey = ${DEPLOY_KEY}\n"})),
    pair("secrets", "the same, told to be quiet",
         added({"deploy.cfg": f"key = {_KEY}  # gitleaks:allow pragma: allowlist secret\n"}),
         added({"deploy.cfg": "key = ${DEPLOY_KEY}  # gitleaks:allow pragma: allowlist secret\n"})),
    pair("secrets", "a private key",
         added({"docs/server.pem": _PEM.format("RSA", _BODY)}), added({"docs/server.pem": _PUBLIC})),
    pair("secrets", "a token in an example",
         added({"docs/release.md": f"Run `GITHUB_TOKEN={_TOKEN} make release`.\n"}),
         added({"docs/release.md": "Run `GITHUB_TOKEN=... make release`.\n"})),
)  # fmt: skip
