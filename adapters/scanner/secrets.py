"""Possible secrets in the added lines of a patch, found by detect-secrets' high-signal detectors."""

from collections.abc import Iterable, Iterator

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from domain.governance import SecretFinding

#: detectors of fixed shapes; entropy and keyword guesses would cry wolf
DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
LINE_LIMIT = 10_000  #: characters of one line looked at


class DetectSecretsScanner:
    def scan(self, patch: bytes) -> tuple[SecretFinding, ...] | None:
        if not patch.startswith(b"diff --git ") and b"\ndiff --git " not in patch:
            return None
        try:
            added = list(_added_lines(patch))
        except (UnidiffParseError, ValueError, IndexError):
            return None
        return tuple(secrets_in(added))


def _added_lines(patch: bytes) -> Iterator[tuple[str, int, str]]:
    for file in PatchSet(patch.decode("utf-8", "replace")):
        for hunk in file:
            for line in hunk:
                if line.is_added:
                    yield file.path, line.target_line_no or 0, line.value[:LINE_LIMIT]


def secrets_in(lines: Iterable[tuple[str, int, str]]) -> Iterator[SecretFinding]:
    """Yield what looks like a secret in lines with their path and number; the value itself is never told."""
    from detect_secrets.core.scan import scan_line  # noqa: PLC0415 - it costs a quarter of a second
    from detect_secrets.settings import transient_settings  # noqa: PLC0415

    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}) as settings:
        # a change cannot excuse itself by a comment
        settings.disable_filters("detect_secrets.filters.allowlist.is_line_allowlisted")
        for path, number, text in lines:
            for kind in sorted({found.type for found in scan_line(text)}):
                yield SecretFinding(path=path, line=number, kind=kind)
