"""For each scanner: a defect it must find, the comments that would excuse it, and the files that would switch it off.

Secrets are put together at run time, so that no scanner stumbles over this file.
"""

from typing import NamedTuple

AWS = "AKIA" + "QYLPMN5HFIQR7XYB"
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----"


class Sample(NamedTuple):
    rule: str
    name: str  #: of a file with the defect
    defect: str  #: one line, without its end
    before: str = ""  #: lines before it
    broken: str | None = (
        "def (:\n"  #: a file that cannot be parsed (semgrep mends small mistakes); None: any can be read
    )


SAMPLES = {
    "ruff": Sample("F821", "a.py", "value = undefined_name"),
    "ruff-security": Sample("S602", "a.py", "subprocess.run(word, shell=True)", "import subprocess\nword = input()\n"),
    "bandit": Sample("B301", "a.py", "value = pickle.loads(input())", "import pickle\n"),
    "semgrep": Sample("python-temporary-name", "a.py", "name = tempfile.mktemp()", "import tempfile\n"),
    "gitleaks": Sample("aws-access-token", "a.py", f'key = "{AWS}"', broken=None),
    "detect-secrets": Sample("private-key", "a.py", f'key = """{PEM}"""', broken=None),
}

EXCUSES = (
    "# noqa",
    "# noqa: F821, S602",
    "# nosec",
    "# nosec B301",
    "# nosemgrep",
    "# nosemgrep: python-temporary-name",
    "# nosem",
    "# pragma: allowlist secret",
    "# gitleaks:allow",
    "# ruff: noqa",
    "# type: ignore",
    "# noqa # nosec # nosemgrep # pragma: allowlist secret gitleaks:allow",
)
BEFORE = "# ruff: noqa\n# flake8: noqa\n# ruff: disable[F821, S602]\n# pragma: allowlist nextline secret\n# nosemgrep\n# nosec\n"

PYPROJECT = """
[tool.ruff]
exclude = ["*.py"]
force-exclude = true
target-version = "py37"
[tool.ruff.lint]
select = ["D"]
ignore = ["ALL"]
[tool.bandit]
exclude_dirs = ["."]
skips = ["B301"]
[tool.detect-secrets]
"""
RUFF = 'exclude = ["*.py"]\nforce-exclude = true\nlint.ignore = ["ALL"]\nlint.per-file-ignores = {"*" = ["F", "S"]}\n'
BASELINE = '{"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {}}'
GITLEAKS = '[[allowlists]]\ndescription = "all"\npaths = [".*"]\nregexes = [".*"]\n'
HOSTILE = {
    "pyproject.toml": PYPROJECT,
    "ruff.toml": RUFF,
    ".ruff.toml": RUFF,
    "setup.cfg": "[bandit]\nexclude = .\nskips = B301\n[flake8]\nignore = F\n",
    "tox.ini": "[bandit]\nskips = B301\n",
    ".bandit": "[bandit]\nexclude = /\nskips = B301\ntargets = none\n",
    "bandit.yaml": "skips: [B301]\n",
    ".semgrepignore": "*\n",
    ".semgrep.yml": "rules: []\n",
    ".semgrep/settings.yml": "anonymous_user_id: x\n",
    ".gitignore": "*\n",
    ".ignore": "*\n",
    ".gitleaks.toml": GITLEAKS,
    ".gitleaksignore": "a.py:aws-access-token:1\n./a.py:aws-access-token:1\na.%py%:aws-access-token:1\n",
    ".secrets.baseline": BASELINE,
    "sitecustomize.py": "raise SystemExit(0)\n",
    "json.py": "raise SystemExit(0)\n",
    "bandit/__init__.py": "raise SystemExit(0)\n",
    "detect_secrets/__init__.py": "raise SystemExit(0)\n",
}

#: names of texts that a scanner of all texts leaves out unless it is kept from it
LEFT_OUT = (
    "uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock", "package-lock.json", "pnpm-lock.yaml", "go.sum", "a.css", "a.svg",
    "a.map", "swagger.json", "openapi/swagger.yaml", "gitleaks.toml", "verification-metadata.xml", "a.pdf", "node_modules/a.js",
    ".secrets.baseline", "jquery.min.js", "x-1.0.dist-info/METADATA", "gradlew", "LICENSE", ".env", "back\\slash.txt",
)  # fmt: skip

#: names that programs have been seen to stumble over, take for options, patterns or files of arguments, or leave out
ODD_NAMES = (
    "-rf.py", "@a.py", "with space.py", "quo'te\".py", "*.py", "[a-z].py", "{a,b}.py", "%2F.py", "%.py%", "$(id).py",
    "ünï.py", "~.py", "#.py", "a.b.c.py", "..py", "x;y.py", "a=b.py", "a,b.py", "a:b.py", "tests/test_a.py",
    "node_modules/a/b.py", ".venv/lib/a.py", "venv/lib/python3.11/a.py", "build/a.py", ".hidden/a.py", "vendor/bundle/a.py",
    ".git.py/a.py", "x.egg/a.py", "a.min.py", "gitleaks.toml/a.py", "migrations/0001.py", "very/deep/" + "d/" * 40 + "a.py",
)  # fmt: skip
