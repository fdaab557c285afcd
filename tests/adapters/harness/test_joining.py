from adapters.harness.joining import LONGEST, Joiner
from domain.sandbox import OutputLine


def piece(text: str, *, goes_on: bool = True, stream: str = "stdout") -> OutputLine:
    return OutputLine(stream=stream, text=text, goes_on=goes_on)


def test_a_split_line_comes_whole_with_its_last_piece() -> None:
    joiner = Joiner()
    assert [joiner.join(piece("a")), joiner.join(piece("b"))] == [None, None]
    assert joiner.join(piece("c", goes_on=False)) == OutputLine(stream="stdout", text="abc")
    assert joiner.join(piece("d", goes_on=False)) == OutputLine(stream="stdout", text="d")


def test_standard_error_passes_between_the_pieces() -> None:
    joiner = Joiner()
    assert joiner.join(piece("a")) is None
    aside = piece("x", stream="stderr")
    assert joiner.join(aside) == aside
    assert joiner.join(piece("b", goes_on=False)) == OutputLine(stream="stdout", text="ab")


def test_of_a_line_without_end_only_the_beginning_is_kept() -> None:
    joiner = Joiner()
    megabyte = "x" * 1_000_000
    for _ in range(LONGEST // len(megabyte) + 2):
        assert joiner.join(piece(megabyte)) is None
    assert joiner.join(piece("end", goes_on=False)) == OutputLine(stream="stdout", text=megabyte)
    assert joiner.join(piece("{}", goes_on=False)) == OutputLine(stream="stdout", text="{}")
