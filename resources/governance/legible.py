"""Texts of other encodings as UTF-8, which is what scanners read: a file they pass over is a file nobody looked at."""


def legible(content: bytes) -> bytes:
    """Return a text in UTF-8, line by line as it was; bytes that are no text stay as they are.

    What is neither UTF-8 nor holds a zero byte is read as Latin-1, in which every byte is a letter, so that all that is
    written in ASCII, secrets and code among it, is found where it stands.
    """
    try:
        content.decode()
    except UnicodeDecodeError:
        return content if b"\0" in content else content.decode("latin-1").encode()
    return content
