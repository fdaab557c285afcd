import subprocess
from pathlib import Path

import pytest

from adapters.scanner.secrets import DetectSecretsScanner

# Put together at run time, so that no scanner stumbles over this file.
AWS = "AKIA" + "IOSFODNN7EXAMPLF"
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----"
GITHUB = "ghp_" + "a1B2" * 9
SLACK = "xoxb-" + "123456789012-123456789012-abcdefABCDEF123456789012"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
BASIC = "https://someone:" + "hunter2hunter2@example.com/x"
JWT = ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"])


def patch(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> bytes:
    """Return git's own patch from one set of files to another."""
    for side, files in (("a", before), ("b", after)):
        (folder / side).mkdir()
        for name, content in files.items():
            (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / name).write_bytes(content)
    argv = ["git", "diff", "--no-index", "--no-prefix", "--binary", "a", "b"]
    return subprocess.run(argv, cwd=folder, capture_output=True, check=False).stdout


@pytest.fixture
def scanner() -> DetectSecretsScanner:
    return DetectSecretsScanner()


@pytest.mark.parametrize("secret", [AWS, PEM, GITHUB, SLACK, STRIPE, BASIC, JWT])
def test_a_secret_in_an_added_line_is_found_and_not_repeated(scanner, tmp_path, secret) -> None:
    found = scanner.scan(patch(tmp_path, {"f": b"one\n"}, {"f": f'one\ntwo\nkey = "{secret}"\n'.encode()}))
    assert found
    assert {finding.line for finding in found} == {3}
    assert {finding.path.rpartition("/")[2] for finding in found} == {"f"}
    assert secret not in "".join(finding.model_dump_json() for finding in found)


def test_one_that_goes_or_stays_is_not_a_finding(scanner, tmp_path) -> None:
    before = {"gone": f"{AWS}\nx\n".encode(), "stays": f"{AWS}\nold\n".encode()}
    after = {"gone": b"x\n", "stays": f"{AWS}\nnew\n".encode()}
    assert scanner.scan(patch(tmp_path, before, after)) == ()


def test_ordinary_code_is_quiet(scanner, tmp_path) -> None:
    lines = ['password = "changeme"', "sha = " + "0123456789abcdef" * 4, "token = os.environ['TOKEN']", "uuid: 1-2-3"]
    ours = Path("domain/errors.py").read_bytes() + Path("requirements.lock").read_bytes()[:200_000]
    assert scanner.scan(patch(tmp_path, {"f": b""}, {"f": "\n".join(lines).encode(), "g": ours})) == ()


def test_binary_parts_are_passed_over(scanner, tmp_path) -> None:
    after = {"blob": bytes(range(256)) * 50 + AWS.encode(), "text": f"{AWS}\n".encode()}
    found = scanner.scan(patch(tmp_path, {"blob": b"\0"}, after))
    assert {finding.path.rpartition("/")[2] for finding in found or ()} == {"text"}


def test_it_says_the_same_each_time(scanner, tmp_path) -> None:
    content = patch(tmp_path, {"f": b""}, {"f": f"{AWS}\n{GITHUB}\n{STRIPE}\n".encode()})
    assert scanner.scan(content) == scanner.scan(content)


@pytest.mark.parametrize("content", [b"not a patch", b"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1,9 @@\n+x\n"])
def test_what_cannot_be_read_is_undetermined_not_clean(scanner, content) -> None:
    assert scanner.scan(content) is None


def test_a_marked_line_is_no_excuse(scanner, tmp_path) -> None:
    """An agent must not be able to wave its own secret through."""
    excused = f"key = '{AWS}'  # pragma: allowlist secret\n".encode()
    assert scanner.scan(patch(tmp_path, {"f": b""}, {"f": excused}))


def test_a_change_of_mode_alone_is_clean(scanner) -> None:
    assert scanner.scan(b"diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n") == ()
