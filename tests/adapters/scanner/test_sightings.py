from adapters.scanner.sightings import Sighting, findings, one_line
from domain.findings import Severity


def sighting(path: str = "a.py", line: int | None = 1, rule: str = "R1", text: str = "bad") -> Sighting:
    return Sighting(path, line, rule, text, Severity.HIGH)


def of(source: str):
    return lambda path: source.splitlines()


def prints(*sightings: Sighting, source: str, scanner: str = "s") -> list[str]:
    return [one.fingerprint for one in findings(scanner, sightings, of(source))]


def test_a_fingerprint_is_of_the_words_of_the_line_and_not_of_its_place() -> None:
    assert prints(sighting(line=1), source="x = eval(y)") == prints(sighting(line=3), source="\n\n    x  =  eval(y)   ")
    assert prints(sighting(line=1), source="x = eval(y)") != prints(sighting(line=1), source="x = eval(z)")


def test_scanner_rule_and_path_make_a_difference_and_the_text_none() -> None:
    first = prints(sighting(), source="x")
    assert prints(sighting(rule="R2"), source="x") != first
    assert prints(sighting(path="b.py"), source="x") != first
    assert prints(sighting(), source="x", scanner="other") != first
    assert prints(sighting(text="said otherwise"), source="x") == first


def test_equal_lines_are_told_apart_by_their_order_only() -> None:
    twice = prints(sighting(line=2), sighting(line=1), source="x\nx")
    assert len(set(twice)) == 2
    assert prints(sighting(line=5), sighting(line=9), source="\n\n\n\nx\n\n\n\nx") == twice
    assert prints(sighting(line=1), source="x") == twice[:1]


def test_one_defect_told_twice_is_one() -> None:
    assert len(prints(sighting(), sighting(), source="x")) == 1


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert prints(sighting(rule="ab", path="c"), source="x") != prints(sighting(rule="a", path="bc"), source="x")


def test_a_file_that_was_not_given_and_bytes_that_are_no_text_have_a_fingerprint_too() -> None:
    assert prints(sighting(line=None), source="") != prints(sighting(line=None, rule="R2"), source="")
    assert prints(sighting(line=1), source=b"caf\xe9".decode("utf-8", "surrogateescape"))


def test_a_text_becomes_one_printable_line() -> None:
    assert one_line("a\n\tb\x1b[0m  c\u2028") == "a b [0m c"
    assert len(one_line("x" * 10**6)) == 1000
