"""The sample repository of `factory try`: a tiny package with unittest tests that needs nothing installed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "greeter"

FILES: Final[Mapping[str, str]] = {
    "README.md": "# greeter\n\nSays hello. A sample for `factory try`.\n",
    "greeter/__init__.py": '"""Says hello."""\n\nfrom greeter.words import greet\n\n__all__ = ["greet"]\n',
    "greeter/words.py": '"""The words."""\n\n\ndef greet(name):\n    return "Hello, %s!" % name\n',
    "tests/__init__.py": "",
    "tests/test_words.py": (
        "import unittest\n\nfrom greeter import greet\n\n\n"
        "class GreetTest(unittest.TestCase):\n"
        '    def test_it_greets_by_name(self):\n        self.assertEqual(greet("Ada"), "Hello, Ada!")\n\n'
        '    def test_it_greets_nobody(self):\n        self.assertEqual(greet(""), "Hello, !")\n'
    ),
}
VERIFY: Final = "python3 -m unittest discover -s tests -t ."


def make_sample(folder: Path) -> Path:
    """Write the sample repository with one commit on `main`."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "feat: greet by name")):
        subprocess.run(["git", *words], cwd=folder, check=True, env=_environment(), stdin=subprocess.DEVNULL)
    return folder


def _environment() -> dict[str, str]:
    person = {"NAME": "Sample Author", "EMAIL": "sample@example.invalid"}
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return {"PATH": os.environ.get("PATH", os.defpath), **names, **quiet}
