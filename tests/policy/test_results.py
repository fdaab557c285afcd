"""What may leave a sandbox: names, modes, links, sizes, and the files a policy names."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import policy
from policy.results import ABSENT, LINK, SUBMODULE, Entry, ResultPolicy, name_refusal, pointed_out, refusals, shown

SHIPPED = yaml.safe_load((Path(policy.__file__).parent / "rules/results.yaml").read_text())
POLICY = ResultPolicy.model_validate(SHIPPED)


def added(path: str, **told: object) -> Entry:
    return Entry(**{"path": path, "old_mode": ABSENT, "new_mode": "100644", **told})


def link(path: str, target: str | None) -> Entry:
    return added(path, new_mode=LINK, target=target)


def refused(*entries: Entry, tree: tuple[str, ...] = (), rules: ResultPolicy = POLICY) -> str:
    return "; ".join(refusals(entries, rules, tree))


@pytest.mark.parametrize(
    "path",
    [
        "a", "src/app.py", ".gitignore", ".gitattributes", ".github/CODEOWNERS", ".github/dependabot.yml", "git", "x.git",
        ".gitx", "a.git/b", "-rf", '"quoted"', "ünï🜁", " ", "a b", "...", "<script>", "deep/" * 50 + "f", "git~10",
    ],
)  # fmt: skip
def test_ordinary_and_merely_odd_names_may_cross(path: str) -> None:
    assert refused(added(path)) == ""


@pytest.mark.parametrize(
    "path",
    [
        ".git", ".git/config", ".GIT/hooks/post-checkout", "a/.Git/config", ".gi\u200ct/config", ".g\u202eit", "git~1/x",
        "GIT~1", ".git /config", ".git./config", ".git. . /x", ".git::$INDEX_ALLOCATION/config", ".git:x", "a\\.git\\config",
        "..", "../x", "a/../x", "a/../../x", "a\\..\\x", ".", "a/./b", "/etc/passwd", "C:/x", "c:\\x", "", "a//b", "a/",
        "new\nline", "tab\t", "nul\0", "esc\x1b[2J", "\x7f", "\x85", "rtl\u202e", "zero\u200bwidth", "line\u2028", "\udcff",
        "x" * 1001, "d/" * 51 + "f",
    ],
)  # fmt: skip
def test_hostile_names_never_cross(path: str) -> None:
    assert refused(added(path))
    loose = POLICY.model_copy(update={"refuse": ()})
    assert refused(added(path), rules=loose), "a policy can permit it"
    assert refused(added(path, old_mode="100644"), rules=loose), "a change of one that exists passes"


def test_an_odd_name_may_be_removed() -> None:
    assert refused(added("new\nline", old_mode="100644", new_mode=ABSENT)) == ""


@pytest.mark.parametrize("mode", ["100664", "100600", "040000", "160001", "120777", "000001", "", "104755"])
def test_other_modes_are_refused(mode: str) -> None:
    assert "mode" in refused(added("a", new_mode=mode))


@pytest.mark.parametrize(("before", "after"), [(ABSENT, SUBMODULE), (SUBMODULE, SUBMODULE), (SUBMODULE, ABSENT), (SUBMODULE, "100644")])  # fmt: skip
def test_submodules_neither_come_nor_change_nor_go(before: str, after: str) -> None:
    assert "submodule" in refused(added("lib", old_mode=before, new_mode=after))


@pytest.mark.parametrize(
    ("path", "target"),
    [("l", "a"), ("l", "a/b"), ("l", "."), ("a/l", "../b"), ("a/b/l", "../../c"), ("a/l", ".."), ("l", ".gitignore"), ("l", "a/")],
)  # fmt: skip
def test_links_within_the_tree_may_cross(path: str, target: str) -> None:
    assert refused(link(path, target)) == ""


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("l", "/etc/passwd"), ("l", "/"), ("l", "C:/x"), ("l", "\\\\server\\share"), ("l", ".."), ("l", "../x"),
        ("a/l", "../../x"), ("l", "a/../../x"), ("l", "a/.."), ("l", "a/../b"), ("l", "..\\x"), ("l", ".git"),
        ("l", ".git/config"), ("a/l", "../.GIT/hooks"), ("l", ".git::$INDEX_ALLOCATION"), ("l", ""), ("l", None),
        ("l", "a\nb"), ("l", "a\0"), ("l", "\udcff"), ("l", "x" * 4097), ("l", "~"),
    ],
)  # fmt: skip
def test_links_that_lead_elsewhere_are_refused(path: str, target: str | None) -> None:
    if target == "~":  # nothing but a shell expands it
        assert refused(link(path, target)) == ""
    else:
        assert "symbolic link" in refused(link(path, target))


@pytest.mark.parametrize(
    ("names", "tree"),
    [
        (["readme.md"], ["README.md"]),
        (["a", "A"], []),
        (["Src/x"], ["src/app.py"]),
        (["stra\u00dfe"], ["STRASSE"]),
        (["e\u0301"], ["\u00e9"]),
    ],
)
def test_names_that_differ_only_by_case_or_form_are_refused(names: list[str], tree: list[str]) -> None:
    assert "differs only" in refused(*map(added, names), tree=(*names, *tree))


def test_what_already_collides_in_the_base_is_not_held_against_a_change_elsewhere() -> None:
    assert refused(added("new"), tree=("new", "a", "A")) == ""
    assert refused(added("a", old_mode="100644"), tree=("a", "A")) == ""


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (".github/workflows/ci.yml", "automation"),
        (".GitHub/Workflows/x.yml", "automation"),
        (".github/workflows/deep/er.yml", "automation"),
        (".gitlab-ci.yml", "automation"),
        (".circleci/config.yml", "automation"),
        ("Jenkinsfile", "automation"),
        (".gitmodules", "submodules"),
        ("a/.gitmodules", "submodules"),
        (".lfsconfig", "large-file-server"),
    ],
)
def test_files_that_act_by_themselves_need_a_repositorys_word(path: str, rule: str) -> None:
    entry, removal = added(path), added(path, old_mode="100644", new_mode=ABSENT)
    assert rule in refused(entry)
    assert rule in refused(removal)
    permitting = ResultPolicy.model_validate({**SHIPPED, "repositories": {"ours": {"allow": [rule]}}})
    assert refused(entry, rules=permitting.within("ours")) == ""
    assert rule in refused(entry, rules=permitting.within("theirs"))


def test_settings_of_git_are_pointed_out() -> None:
    assert refused(added(".gitattributes")) == ""
    paths = ["a.py", ".gitattributes", "sub/.gitattributes", ".gitignore"]
    assert pointed_out(paths, POLICY) == (".gitattributes", "sub/.gitattributes", ".gitignore")


def test_sizes_and_counts_are_bounded() -> None:
    assert "bytes, more than" in refused(added("big", size=POLICY.max_entry_bytes + 1))
    many = [added(f"f{n}", size=POLICY.max_entry_bytes) for n in range(5)]
    assert "bytes in all" in refused(*many)
    assert "entries, more than" in refused(*(added(f"f{n}") for n in range(POLICY.max_entries + 1)))


def test_every_refusal_names_its_entry() -> None:
    found = refusals([added("ok"), added("../x"), link("l", "/etc/passwd")], POLICY)
    assert [line.partition(": ")[0] for line in found] == ["../x", "l"]
    assert refusals([added("esc\x1b[2J\n")], POLICY)[0].startswith("esc\\x1b[2J\\n: ")
    assert len(shown("x" * 5000)) < 310


@pytest.mark.parametrize(
    "change",
    [
        {"max_entries": 0},
        {"max_entries": "many"},
        {"refuse": [{"rule": "x", "paths": ["a"]}]},
        {"unknown": 1},
        {"repositories": {"a": {"allow": ["no-such-rule"]}}},
        {"repositories": {"a": {"allow": ["automation"], "more": 1}}},
        {"artifacts": {"max_files": 1}},
    ],
)
def test_a_wrong_policy_is_refused(change: dict) -> None:
    with pytest.raises(ValidationError):
        ResultPolicy.model_validate({**SHIPPED, **change})


@given(st.text(max_size=60))
def test_no_name_slips_through_by_its_spelling(path: str) -> None:
    """Whatever is let through is plain: relative, visible, and git's own name for nothing."""
    if name_refusal(path, POLICY) is None:
        parts = path.replace("\\", "/").split("/")
        assert not {"", ".", "..", ".git"} & set(parts)
        assert not any(character < " " or "\x7f" <= character < "\xa0" for character in path)
    shown(path).encode("utf-8")


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "x"]), min_size=1, max_size=6), st.integers(0, 3))
def test_a_link_that_is_let_through_stays_inside(parts: list[str], depth: int) -> None:
    path = "d/" * depth + "l"
    if refused(link(path, "/".join(parts))) == "":
        level = depth
        for part in parts:
            level += {"..": -1, ".": 0}.get(part, 1)
            assert level >= 0
