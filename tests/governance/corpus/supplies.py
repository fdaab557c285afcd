"""Defects in what a change has installed. The packages are those of the stand-in market."""

import json
from typing import Final

from domain.governance import Verdict
from tests.governance.corpus.planted import Change, Files, Make, Pair, Tree, added, pair

FILE: Final = "requirements/tools.txt"
POLICY: Final = ".factory/governance.yaml"
_DENIED: Final = {POLICY: 'dependencies: {denied: {"pypi:meadow": "<2.0"}}\n'}
_PINNED: Final = {POLICY: "dependencies: {pins: exact}\n"}
_HASHED: Final = {POLICY: "dependencies: {pins: hashed}\n"}
_NO_MIT: Final = {POLICY: "licenses: {deny: [MIT]}\n", FILE: "meadow==1.0\n"}


def asks(*lines: str) -> Make:
    """Ask for packages in a requirements file of the repository's tools."""
    return added({FILE: "".join(f"{line}\n" for line in lines)})


def extra(line: str) -> Make:
    """Ask for a package in an extra of the project."""

    def make(tree: Tree) -> Files:
        project = tree.text("pyproject.toml").rstrip()
        return {"pyproject.toml": f'{project}\n\n[project.optional-dependencies]\nplanted = ["{line}"]\n'}

    return make


def node(version: str, name: str = "demo") -> Make:
    return added({"docs/package.json": json.dumps({"private": True, "dependencies": {name: version}}, indent=2) + "\n"})


_ADDRESS: Final = "meadow @ https://files.example.invalid/meadow-2.0-py3-none-any.whl"
_SHA: Final = "0" * 64
DEPENDENCIES: Final = (
    pair("dependencies", "a name that nobody has", asks("meadow-imagined==1.0"), asks("meadow==2.0")),
    pair("dependencies", "the same in an extra", extra("meadow-imagined>=1"), extra("meadow>=1")),
    pair("dependencies", "a version that does not exist", asks("meadow==7.0"), asks("meadow==1.5")),
    pair("dependencies", "a name like a popular one", asks("reqeusts==2.0"), asks("meadow==2.0")),
    pair("dependencies", "a version that policy denies", asks("meadow==1.5"), asks("meadow==2.0"), _DENIED),
    pair("dependencies", "a version that was withdrawn", asks("meadow-withdrawn==1.5"), asks("meadow-withdrawn==2.0")),
    pair("dependencies", "a release of the day before yesterday", asks("meadow-fresh==2.0"), asks("meadow-fresh==1.5")),
    pair("dependencies", "no pin where policy asks for one", asks("meadow>=1"), asks("meadow==2.0"), _PINNED),
    pair("dependencies", "no hash where policy asks for one",
         asks("meadow==2.0"), asks(f"meadow==2.0 --hash=sha256:{_SHA}"), _HASHED),
    pair("dependencies", "a name that nobody has at npm", node("1.0.0", "meadow-imagined"), node("2.0.0")),
    Pair("dependencies", "an address in place of a release", Change(asks(_ADDRESS)), Change(asks("meadow==2.0")),
         unknown=frozenset({"vulnerabilities", "licenses"})),
)  # fmt: skip

VULNERABILITIES: Final = (
    pair("vulnerabilities", "a version with a hole", asks("meadow-holed==1.5"), asks("meadow-holed==2.0")),
    pair("vulnerabilities", "a hole of which nobody tells how bad it is", asks("meadow-unsaid==1.5"), asks("meadow-unsaid==2.0")),
    pair("vulnerabilities", "a step back to the version with the hole",
         asks("meadow-holed==1.5"), asks("meadow-holed==2.0", "# as before"), {FILE: "meadow-holed==2.0\n"}),
    pair("vulnerabilities", "a version with a hole at npm", node("1.0.0"), node("2.0.0")),
)  # fmt: skip

LICENSES: Final = (
    pair("licenses", "one that obliges all who distribute", asks("meadow-copyleft==2.0"), asks("meadow-either==2.0")),
    pair("licenses", "one that obliges all who serve", asks("meadow-served==1.5"), asks("meadow==1.5")),
    pair("licenses", "one that the repository denies",
         asks("meadow==1.0", "meadow-holed==2.0"), asks("# the same as before", "meadow==1.0"), _NO_MIT),
    Pair("licenses", "one that nobody tells", Change(asks("meadow-silent==2.0")), Change(asks("meadow==2.0")),
         verdict=Verdict.UNDETERMINED),
)  # fmt: skip

#: the other rules let manifests of examples be unreadable; the inventory has to be whole
_WHOLE: Final = {
    POLICY: "rules: {sbom: {mandatory: true}}\nexclusions:\n"
    + "".join(
        f"  - {{rule: {rule}, finding: unreadable, paths: ['examples/*'], reason: examples are not installed, "
        "expires: 2099-12-31}\n"
        for rule in ("dependencies", "vulnerabilities", "licenses")
    )
}


def _example(name: str, bad: str, good: str, path: str, good_path: str = "") -> Pair:
    sides = Change(added({path: bad})), Change(added({good_path or path: good}))
    return Pair("sbom", name, *sides, base=_WHOLE, verdict=Verdict.UNDETERMINED)


SBOM: Final = (
    _example("a manifest that is no TOML", "[project\n", '[project]\nname = "example"\nversion = "1"\n', "examples/pyproject.toml"),
    _example("a manifest that nobody here reads", "[packages]\n", "# none\n", "examples/Pipfile", "examples/requirements.txt"),
    _example("an include of what is not there", "-r gone.txt\n", "# nothing\n", "examples/requirements.txt"),
)  # fmt: skip
