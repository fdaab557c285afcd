"""One edit of each kind of change that a patch can carry."""

from pathlib import Path

from tests.adapters.forge.workshop import git


def _rename(work: Path) -> None:
    git(work, "mv", "src/app.py", "src/application.py")


def _crlf(work: Path) -> None:
    (work / ".gitattributes").write_text("*.txt text eol=crlf\n")
    (work / "dos.txt").write_bytes(b"one  \r\ntwo\t\r\n\r\n")


EDITS = {
    "binary": lambda work: (work / "blob").write_bytes(bytes(reversed(range(256)))),
    "new binary": lambda work: (work / "new.bin").write_bytes(b"\0\1\2" * 999),
    "rename": _rename,
    "deletion": lambda work: (work / "README.md").unlink(),
    "mode": lambda work: (work / "src/app.py").chmod(0o755),
    "symlink": lambda work: (work / "link").symlink_to("/etc/passwd"),
    "file to symlink": lambda work: ((work / "blob").unlink(), (work / "blob").symlink_to("src")),
    "empty file": lambda work: (work / "empty").touch(),
    "no newline": lambda work: (work / "README.md").write_text("# demo"),
    "crlf": _crlf,
    "whitespace": lambda work: (work / "README.md").write_text("# demo  \n\n\t \n\n\n"),
    "hostile names": lambda work: [
        (work / name).write_text(f"{name}\n")
        for name in ('"quoted"', "new\nline", "-rf", "--help", "ünï🜁", "tab\tname", "<script>", "back\\slash", " ", ":(top)x")
    ],
}  # fmt: skip
