"""How Gemini CLI is started so that what each answer of its model takes is told while it works."""

from typing import Final

RESPONSE = "gemini_cli.api_response"
FIGURES: Final = ("input_token_count", "output_token_count", "cached_content_token_count", "total_token_count")

#: its telemetry goes to a file, and by these no repository's settings change that
TELEMETRY: Final = {
    "GEMINI_TELEMETRY_ENABLED": "true",
    "GEMINI_TELEMETRY_TARGET": "local",
    "GEMINI_TELEMETRY_LOG_PROMPTS": "false",
}

WHOLE = ".gemini/whole.cjs"
#: it ends without waiting until what it wrote to a pipe was taken, and its terminal event is the last thing it writes
WAIT = """delete process.env.NODE_OPTIONS
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true)
"""

#: passes the figures on to standard error, every five seconds or so as the program writes them, then becomes the
#: program. It watches for as long as the program holds the pipe open, be it waited for or not.
WATCH = f"""set -e
alive="$HOME"/.gemini/alive
export GEMINI_TELEMETRY_OUTFILE="$HOME"/.gemini/telemetry.log
mkdir -p "$HOME"/.gemini
rm -f "$alive"
mkfifo "$alive"
: > "$GEMINI_TELEMETRY_OUTFILE"
(tail -n +1 -f "$GEMINI_TELEMETRY_OUTFILE" 2>/dev/null & cat "$alive"; sleep 0.2; kill $!) |
grep --line-buffered -E '^ *"(event.name": "{RESPONSE}"|({"|".join(FIGURES)})": [0-9]+),?$' >&2 &
exec 9> "$alive"
export NODE_OPTIONS="--require=$HOME/{WHOLE}"
exec "$@"
"""
