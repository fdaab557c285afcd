"""What a change introduces is what one side asks for and the other did not, file by file."""

import json

import pytest

from domain.changes import Ecosystem
from policy.governance.manifests.introduced import everything, included, introduced
from tests.architecture.places import ROOT


def lock(*packages: tuple[str, str, str]) -> bytes:
    told = {
        f"node_modules/{name}": {"version": version, "resolved": f"https://{host}/{name}/-/{name}-{version}.tgz", "integrity": "sha512-a"}
        for name, version, host in packages
    }  # fmt: skip
    return json.dumps({"lockfileVersion": 3, "packages": told}, indent=1).encode()


def test_new_and_changed_are_told_with_place_and_what_was_before():
    base = {"requirements.txt": b"flask==2.0\nrequests>=2\n"}
    head = {"requirements.txt": b"flask==3.0\nrequests>=2\nrich\n"}
    found = introduced(base, head)
    assert found.unreadable == ()
    assert [(one.name, one.version, one.previous, one.line) for one in found.dependencies] == [
        ("flask", "3.0", "2.0", 1),
        ("rich", None, None, 3),
    ]
    assert {one.ecosystem for one in found.dependencies} == {Ecosystem.PYPI}


def test_nothing_new_is_nothing():
    same = {"requirements.txt": b"b==1\na==1\n"}
    assert introduced(same, same) == ((), ())
    assert introduced(same, {"requirements.txt": b"# order\na==1\nb==1\n"}) == ((), ())
    assert introduced(same, {}) == ((), ())


def test_what_another_manifest_had_is_not_new_here():
    base = {"pyproject.toml": b"[project]\ndependencies=['rich>=13']"}
    found = introduced(base, base | {"requirements.txt": b"rich==13.1\n"})
    assert [(one.name, one.previous) for one in found.dependencies] == [("rich", ">=13")]


def test_a_hash_that_goes_is_a_change():
    hashed = b"a==1 --hash=sha256:" + b"0" * 64 + b"\n"
    assert [
        one.hashed for one in introduced({"r/requirements.txt": hashed}, {"r/requirements.txt": b"a==1\n"}).dependencies
    ] == [False]


def test_the_head_that_cannot_be_read_is_named_and_the_base_makes_all_of_it_new():
    assert introduced({}, {"package.json": b"{"}).unreadable[0].startswith("package.json: not JSON")
    found = introduced({"package.json": b"{"}, {"package.json": b'{"dependencies": {"a": "1.0.0"}}'})
    assert [one.name for one in found.dependencies] == ["a"]


@pytest.mark.parametrize(
    "line", [b"-r other.txt", b"--extra-index-url https://x.test/simple", b"git+https://x.example.test/y"]
)
def test_only_what_points_elsewhere_newly_is_named(line):
    old = {"requirements.txt": line + b"\n"}
    assert introduced(old, {"requirements.txt": b"a==1\n" + line + b"\n"}).unreadable == ()
    found = introduced({"requirements.txt": b""}, old)
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith("requirements.txt: ")


def test_an_included_file_is_read_whatever_it_is_called():
    head = {"reqs/requirements.txt": b"-r ../deps/list\n", "deps/list": b"evil==1\n"}
    found = introduced({}, head)
    assert found.unreadable == ()
    assert [(one.name, one.path) for one in found.dependencies] == [("evil", "deps/list")]
    assert included("reqs/requirements.txt", head["reqs/requirements.txt"]) == ("deps/list",)
    assert included("requirements.txt", b"-r ../../etc/passwd\n-r /etc/passwd\n") == ()
    assert "includes" in introduced({}, {"requirements.txt": b"-r ../../etc/passwd\n"}).unreadable[0]


def test_a_lock_that_takes_one_package_from_another_registry_is_not_believed():
    base = {"package-lock.json": lock(("a", "1.0.0", "index.example.test"))}
    head = {"package-lock.json": lock(("a", "1.0.0", "index.example.test"), ("b", "1.0.0", "evil.example.test"))}
    assert [(one.name, one.origin) for one in introduced(base, head).dependencies] == [("b", "url")]
    fresh = {
        "package-lock.json": lock(
            *((name, "1.0.0", "index.example.test") for name in "abc"), ("d", "1.0.0", "evil.example.test")
        )
    }
    assert {one.name: one.origin for one in introduced({}, fresh).dependencies}["d"] == "url"


def test_the_repository_itself_and_its_own_folders_ask_for_nothing():
    head = {
        "requirements.txt": b"-e .\n./libs/x\n",
        "package.json": b'{"dependencies": {"m": "workspace:*", "f": "file:libs/f"}}',
    }
    assert introduced({}, head) == ((), ())


def test_a_path_that_leaves_the_repository_is_told():
    found = introduced({}, {"a/requirements.txt": b"../x\n../../out\n"})
    assert [(one.specifier, one.origin) for one in found.dependencies] == [("../../out", "path")]


def test_lines_of_what_has_none_are_looked_up():
    found = introduced(
        {}, {"package-lock.json": lock(("a", "1.0.0", "i.example.test"), ("b", "2.0.0", "i.example.test"))}
    )
    text = lock(("a", "1.0.0", "i.example.test"), ("b", "2.0.0", "i.example.test")).decode().splitlines()
    for one in found.dependencies:
        assert f'"node_modules/{one.name}"' in text[(one.line or 0) - 1]


def test_one_package_at_two_versions_is_two():
    told = {
        "lockfileVersion": 3,
        "packages": {"node_modules/a": {"version": "1.0.0"}, "node_modules/b/node_modules/a": {"version": "2.0.0"}},
    }
    found = everything({"package-lock.json": json.dumps(told).encode()})
    assert [one.version for one in found.dependencies] == ["1.0.0", "2.0.0"]
    assert all(one.is_lock for one in found.dependencies)


def test_our_own_manifests_are_read_whole():
    names = ("pyproject.toml", "requirements.lock")
    found = everything({name: (ROOT / name).read_bytes() for name in names})
    assert found.unreadable == ()
    assert all(one.hashed and one.version for one in found.dependencies if one.path == "requirements.lock")
    assert sum(one.path == "requirements.lock" for one in found.dependencies) > 100


def test_twenty_thousand_packages_are_read():
    many = [(f"p{number}", "1.0.0", "index.example.test") for number in range(20_000)]
    found = introduced({"package-lock.json": lock(*many[::2])}, {"package-lock.json": lock(*many)})
    assert len(found.dependencies) == 10_000
    assert (found.dependencies[0].line, found.dependencies[-1].line) == (9, None)
