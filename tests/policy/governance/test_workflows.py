"""Workflows before and after: raised rights and broadened triggers are named, what cannot be read is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.governance import Verdict
from policy.governance.workflow_files import is_workflow
from policy.governance.workflows import workflows
from resources.governance_texts import workflow_change
from tests.policy.governance.changes import POLICY, change, excluding, file, workflow

PATH = ".github/workflows/ci.yml"
CI = """\
on:
  push: {branches: [main]}
  pull_request:
permissions:
  contents: read
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{run: make test}]
  release:
    permissions: {contents: write, id-token: write}
    runs-on: ubuntu-latest
    steps: [{run: make release}]
"""


def told(old: str, new: str, text: str = CI):
    assert old in text
    return workflow_change(PATH, text, text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("contents: read", "contents: write", ("contents: write",)),
        ("  contents: read", "  contents: read\n  packages: write", ("packages: write",)),
        ("permissions:\n  contents: read", "permissions: write-all", ("write-all",)),
        ("permissions:\n  contents: read", "permissions: read-all", ("read-all",)),
        ("permissions:\n  contents: read\n", "", ("whatever the repository gives",)),
        (
            "contents: write, id-token: write",
            "contents: write, id-token: write, actions: write",
            ("job release: actions: write",),
        ),
        ("  test:\n", "  test:\n    permissions: {issues: write}\n", ("job test: issues: write",)),
        ("  test:\n", "  test:\n    permissions: write-all\n", ("job test: write-all",)),
        (
            "    permissions: {contents: write, id-token: write}\n",
            "    permissions: write-all\n",
            ("job release: write-all",),
        ),
        (
            "  release:",
            "  more:\n    permissions: {contents: write}\n    steps: []\n  release:",
            ("job more: contents: write",),
        ),
        (
            "  test:\n",
            "  test:\n    uses: ./.github/workflows/x.yml\n    secrets: inherit\n",
            ("job test: secrets: inherit",),
        ),
        ("ubuntu-latest", "self-hosted", ("job test: runs-on: self-hosted",)),
        ("ubuntu-latest", "[Self-Hosted, linux]", ("job test: runs-on: self-hosted",)),
        ("ubuntu-latest", "{labels: self-hosted}", ("job test: runs-on: self-hosted",)),
        (
            "{run: make test}",
            '{run: "echo ${{ github.event.issue.title }}"}',
            ("job test: run: github.event.issue.title in a script",),
        ),
        (
            "{run: make test}",
            '{run: "git switch ${{github.head_ref || 1}}"}',
            ("job test: run: github.head_ref in a script",),
        ),
    ],
)
def test_raised_rights_are_named(old: str, new: str, raised: tuple[str, ...]) -> None:
    found = told(old, new)
    assert not found.unreadable
    assert all(any(one.startswith(what) for one in found.raised) for what in raised), found.raised
    assert found.broadened == ()


@pytest.mark.parametrize(
    ("old", "new", "broadened"),
    [
        ("  pull_request:\n", "  pull_request_target:\n", ("pull_request_target",)),
        ("  pull_request:\n", "  pull_request:\n  schedule: [{cron: '0 0 * * *'}]\n", ("schedule",)),
        ("  pull_request:\n", "  pull_request:\n  workflow_run: {workflows: [x]}\n", ("workflow_run",)),
        ("  pull_request:\n", "  pull_request:\n  repository_dispatch:\n", ("repository_dispatch",)),
        ("  pull_request:\n", "  pull_request:\n  issue_comment:\n", ("issue_comment",)),
        (
            "push: {branches: [main]}",
            "push:",
            ("push: no longer limited by branches", "push: no longer limited by tags"),
        ),
        ("push: {branches: [main]}", "push: {branches: [main, '*']}", ("push: branches *",)),
        ("push: {branches: [main]}", "push: {branches: [main], tags: [v*]}", ("push: tags v*",)),
        ("  pull_request:\n", "  pull_request: {types: [opened, labeled]}\n", ("pull_request: types labeled",)),
    ],
)
def test_broadened_triggers_are_named(old: str, new: str, broadened: tuple[str, ...]) -> None:
    found = told(old, new)
    assert found.broadened == broadened
    assert found.raised == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make test", "make check"),
        ("contents: read", "contents: none"),
        ("permissions:\n  contents: read", "permissions: {}"),
        ("contents: write, id-token: write", "contents: read"),
        ("  test:\n", "  test:\n    permissions: {contents: read}\n"),
        ("push: {branches: [main]}", "push: {branches: [main], paths: [src/*]}"),
        ("  push: {branches: [main]}\n", ""),
        ("  pull_request:\n", "  pull_request: {types: [opened]}\n"),
        ("  pull_request:\n", "  pull_request:\n  workflow_dispatch:\n"),
        ("  pull_request:\n", "  pull_request: {branches: [main]}\n"),
        ("on:\n", '"on":\n'),
        ("  release:", "  lint: {runs-on: ubuntu-latest, steps: []}\n  release:"),
    ],
)
def test_clean_twins_are_not_flagged(old: str, new: str) -> None:
    found = told(old, new)
    assert (found.raised, found.broadened, found.unreadable) == ((), (), False)


OPEN = "on: [push]\njobs: {a: {steps: []}}\n"


@pytest.mark.parametrize(
    ("base", "head", "raised", "broadened"),
    [
        (None, OPEN, (), ()),
        (None, "on: push\npermissions: {contents: write}\njobs: {}\n", ("contents: write",), ()),
        (None, "on: {pull_request_target: }\njobs: {}\n", (), ("pull_request_target",)),
        (CI, None, (), ()),
        (OPEN, f"permissions: {{contents: read}}\n{OPEN}", (), ()),
        (OPEN, f"permissions: {{contents: write}}\n{OPEN}", ("contents: write",), ()),
        (OPEN, f"permissions: {{issues: read}}\n{OPEN}", ("issues: read",), ()),
        (f"permissions: write-all\n{OPEN}", OPEN, (), ()),
        (f"permissions: read-all\n{OPEN}", f"permissions: {{issues: read}}\n{OPEN}", (), ()),
        (
            "on: {push: {branches-ignore: [x, y]}}\njobs: {}\n",
            "on: {push: {branches-ignore: x}}\njobs: {}\n",
            (),
            ("push: no longer without branches y",),
        ),
        (
            "on: {push: {tags: [v*]}}\njobs: {}\n",
            "on: {push: {tags: [v*], branches: [main]}}\njobs: {}\n",
            (),
            ("push: branches main",),
        ),
        (
            "on: {workflow_run: {workflows: [a]}}\njobs: {}\n",
            "on: {workflow_run: {workflows: [a, b]}}\njobs: {}\n",
            (),
            ("workflow_run: workflows b",),
        ),
        (
            "on: {pull_request_review: {types: [submitted]}}\njobs: {}\n",
            "on: pull_request_review\njobs: {}\n",
            (),
            ("pull_request_review: no longer limited by types",),
        ),
    ],
)
def test_new_removed_and_default_rights(base, head, raised, broadened) -> None:
    found = workflow_change(PATH, base, head)
    assert found.raised == raised
    assert found.broadened == broadened
    assert not found.unreadable


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{!!merge x: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))


@pytest.mark.parametrize(
    "head",
    [
        "", "null", "[]", "text", "on: push", "jobs: {}", "on: push\njobs: []", "on: push\njobs: {a: b}", "on: 3\njobs: {}",
        "on: []\njobs: {}", "on: [3]\njobs: {}", "on: {push: text}\njobs: {}", "on: {3: x}\njobs: {}",
        "on: push\npermissions: everything\njobs: {}", "on: push\npermissions: [contents]\njobs: {}",
        "on: push\npermissions: {contents: admin}\njobs: {}", "on: push\npermissions: {contents: 3}\njobs: {}",
        "on: push\npermissions: ${{ inputs.x }}\njobs: {}", "on: push\njobs: {a: {permissions: all}}",
        "on: {push: {branches: {a: b}}}\njobs: {}", "on: push\non: schedule\njobs: {}", "on: push\n<<: {jobs: {}}\njobs: {}",
        "\tx", "{", "a: b: c", "!!python/object:os.system {}", "on: push\n" + "[" * 5000, "x: " + "y" * 300_000,
        "\0", "--- a\n--- b\n", f"on: push\njobs: {{}}\n{MERGES}", "on: push\njobs: {}\n? [a]\n: b\n", "x: !!int abc\n",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_unknown_never_clean(head: str) -> None:
    assert workflow_change(PATH, OPEN, head).unreadable
    assert workflow_change(PATH, None, head).unreadable


def test_a_base_that_cannot_be_read_is_unknown_too() -> None:
    assert workflow_change(PATH, "{", CI).unreadable


def test_many_references_to_one_value_cost_little() -> None:
    found = workflow_change(PATH, OPEN, f"{OPEN}{BOMB}")
    assert (found.unreadable, found.raised) == (False, ())


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_the_comparison(base: str, head: str) -> None:
    workflow_change(PATH, base, head)


def test_the_rule_fails_what_is_worse_and_names_it() -> None:
    facts = change(files=(file(PATH),), workflows=(workflow(raised=("contents: write",), broadened=("schedule",)),))
    ruling = workflows(facts, POLICY)
    assert ruling.verdict is Verdict.FAIL
    assert ruling.message == f"{PATH}: raises permissions: contents: write and 1 more"
    assert f"{PATH}: broadens triggers: schedule" in ruling.evidence


def test_the_rule_passes_a_clean_twin_and_skips_without_workflows() -> None:
    assert workflows(change(files=(file(PATH),), workflows=(workflow(),)), POLICY).verdict is Verdict.PASS
    assert workflows(change(files=(file("docs/ci.yml"), file(PATH, "D"))), POLICY).verdict is Verdict.SKIP


@pytest.mark.parametrize(
    "gathered", [(), (workflow(unreadable=True),), (workflow(path=".github/workflows/other.yml"),)]
)
def test_a_workflow_that_nobody_could_compare_is_undetermined(gathered) -> None:
    ruling = workflows(change(files=(file(PATH),), workflows=gathered), POLICY)
    assert ruling.verdict is Verdict.UNDETERMINED
    assert PATH in ruling.message


def test_one_right_can_be_excluded() -> None:
    facts = change(files=(file(PATH),), workflows=(workflow(raised=("contents: write",)),))
    assert workflows(facts, excluding(rule="workflows", finding="contents: write", paths=PATH)).verdict is Verdict.PASS
    assert workflows(facts, excluding(rule="workflows", finding="issues: write")).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PATH, True),
        (".github/workflows/x.yaml", True),
        (".github/workflows/a/x.yml", False),
        ("x/.github/workflows/x.yml", False),
        (".github/workflows/README.md", False),
        (".github/workflows", False),
    ],
)
def test_which_files_are_workflows(path: str, expected: bool) -> None:
    assert is_workflow(path) is expected


@pytest.mark.parametrize("new", ["[ubuntu-24.04]", "{group: large}", "${{ matrix.os }}"])
def test_another_machine_of_the_forge_is_no_more_right(new: str) -> None:
    assert told("ubuntu-latest", new).raised == ()


@pytest.mark.parametrize("script", ["echo ${{ github.sha }}", "echo $TITLE", "echo ${{ github.event.number }}"])
def test_a_script_may_take_what_no_stranger_writes(script: str) -> None:
    assert told("make test", f'"{script}"').raised == ()


def test_a_runner_it_had_before_is_no_news() -> None:
    own = CI.replace("ubuntu-latest", "self-hosted")
    assert told("make test", "make all", own).raised == ()
