"""Where the agreed texts lie."""

from pathlib import Path

GOLDEN = Path(__file__).with_name("golden")
