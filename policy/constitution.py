"""The four rules every harness prompt begins with, in this order."""

from typing import Final

CONSTITUTION: Final = (
    "Never commit a secret.",
    "Run the tests before you commit.",
    "Get secrets only from the provider you were given.",
    "Edit what is there rather than rewriting it.",
)
