"""Take the picture of a governance report as GitHub shows it: judge a change with planted defects, render the comment
with GitHub's own Markdown program and style, and photograph it with headless Chromium (Debian: chromium,
fonts-noto-color-emoji).

Usage: .venv/bin/uv run --no-project --python .venv/bin/python --with cmarkgfm==2025.10.22
           python docs/report_image.py [--output docs/images/report.png]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from screenshot import take

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "docs" / "images" / "report.png"
STYLE = "github-markdown-css@5.9.0"
PAGE = """<!doctype html><meta charset="utf-8"><style>{style}
body {{ background: #f6f8fa; margin: 0; padding: 24px; }}
article {{ background: #fff; border: 1px solid #d1d9e0; border-radius: 6px; max-width: 980px; padding: 16px 24px; }}
</style><article class="markdown-body">{body}</article>"""
SIZE = "1080,1560"  #: pixels: the summary, what blocks, and the beginning of the table
BEFORE = {
    "shop.py": "def total(prices):\n    return sum(prices)\n",
    "Makefile": "test:\n\tpython3 -c 'import shop; assert shop.total([1, 2]) == 3'\n",
}
AFTER = {
    "shop.py": BEFORE["shop.py"] + "\n\ndef report(name):\n    import subprocess\n\n"
    '    return subprocess.check_output(f"report {name}", shell=True)\n',
    ".github/workflows/deploy.yml": "on: pull_request_target\npermissions: write-all\njobs:\n  ship:\n"
    "    runs-on: ubuntu-24.04\n    steps:\n      - run: make\n",
    "README.md": "# Shop\n\n`make test` runs the tests.\n",
}


def commit(folder: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    who = {f"GIT_{role}_{key}": "ann" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    for argv in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-q", "-m", words]):
        subprocess.run(argv, cwd=folder, check=True, env={**os.environ, **who})


def judged(folder: Path) -> str:
    """Return the comment on a change of a small repository, with links as a front door gives them."""
    from control_plane.governance.running import run  # noqa: PLC0415
    from control_plane.governance.targets import PathChange  # noqa: PLC0415
    from domain.changes import Author  # noqa: PLC0415
    from policy.governance.report import render  # noqa: PLC0415
    from resources.artifact_links import public_links  # noqa: PLC0415
    from resources.settings import load_settings  # noqa: PLC0415
    from resources.wiring import open_factory  # noqa: PLC0415

    os.environ |= {"FACTORY_HOME": str(folder / "home"), "FACTORY_PUBLIC_URL": "https://factory.example.test"}
    os.environ["FACTORY_SANDBOX"] = "process"  # what is judged is written above
    shop = folder / "shop"
    shop.mkdir()
    commit(shop, BEFORE, "A shop")
    commit(shop, AFTER, "Report and deploy")
    factory = open_factory(load_settings(folder / "home"), migrate=True)
    change = PathChange(base="HEAD~1", author=Author.PERSON)
    report = run(factory, str(shop), change, (), lambda line: print(line, file=sys.stderr))
    return render(report, public_links(factory.settings), top=factory.policy.governance.top)


def page(markdown: str, folder: Path) -> str:
    import cmarkgfm  # type: ignore[import-not-found]  # noqa: PLC0415 - of the environment that uv makes

    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder / "style"), STYLE]
    subprocess.run(words, check=True)
    style = folder / "style" / "node_modules" / "github-markdown-css" / "github-markdown-light.css"
    return PAGE.format(style=style.read_text(), body=cmarkgfm.github_flavored_markdown_to_html(markdown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        html = folder / "report.html"
        html.write_text(page(judged(folder), folder))
        take(html.as_uri(), told.output, 5, SIZE)
    print(told.output if told.output.stat().st_size else sys.exit("the picture is empty"))


if __name__ == "__main__":
    main()
