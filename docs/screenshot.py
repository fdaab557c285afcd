"""Take the picture of the asset lineage in the README from a running `factory up`, with headless Chromium.

Usage: python docs/screenshot.py URL TOKEN [--output docs/images/lineage.png]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OUTPUT = Path(__file__).resolve().parent / "images" / "lineage.png"


def page(url: str, token: str) -> str:
    """Return the lineage page's address; the token signs the browser in."""
    parts = urlsplit(url)
    lineage = "assets/outcome?view=lineage&lineageScope=upstream&lineageDepth=20"
    return f"{parts.scheme}://{parts.netloc}/{lineage}&token={quote(token)}"


def take(address: str, output: Path, seconds: int, size: str = "1600,900") -> None:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("no Chromium found -> apt-get install chromium")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        words = [
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            f"--user-data-dir={profile}", f"--window-size={size}",
            f"--virtual-time-budget={seconds * 1000}", f"--timeout={seconds * 1000}", f"--screenshot={output}", address,
        ]  # fmt: skip
        subprocess.run(words, check=True, timeout=seconds + 60, stderr=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="what `factory up` printed, without its token")
    parser.add_argument("token")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seconds", type=int, default=20, help="how long the page may take to draw")
    told = parser.parse_args()
    take(page(told.url, told.token), told.output, told.seconds)
    print(told.output if told.output.stat().st_size else sys.exit("the picture is empty"))


if __name__ == "__main__":
    main()
