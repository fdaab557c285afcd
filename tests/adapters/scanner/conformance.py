"""What every program scanner guarantees, proved with the real program in a real sandbox."""

import pytest

from adapters.scanner.contract import Reading, ReportUnreadable, Scanner
from tests.adapters.scanner.at_work import Bench, lines_of
from tests.adapters.scanner.samples import BEFORE, EXCUSES, HOSTILE, LEFT_OUT, ODD_NAMES, SAMPLES, Sample


def content(sample: Sample, after: str = "", before: str = "") -> bytes:
    return f"{before}{sample.before}{sample.defect}{after}\n".encode()


def found(reading: Reading, sample: Sample) -> set[str]:
    """Return the files in which the sample's defect was found."""
    return {one.path for one in reading.findings if one.rule == sample.rule}


class ScannerConformance:
    @pytest.fixture
    def sample(self, scanner: Scanner) -> Sample:
        return SAMPLES[scanner.traits.name]

    def test_it_finds_its_canary_and_states_what_it_read(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        traits = scanner.traits
        files = {traits.canary_name: traits.canary.encode(), "clean.py": b"", sample.name: content(sample)}
        reading = bench.scan(scanner, files)
        assert {one.path for one in reading.findings} >= {traits.canary_name, sample.name}
        assert set(reading.files_read) == set(files)
        assert all(one.text and one.hint and one.line for one in reading.findings)

    def test_nothing_of_the_tree_changes_what_it_looks_for(
        self, bench: Bench, scanner: Scanner, sample: Sample
    ) -> None:
        tree = {name: text.encode() for name, text in HOSTILE.items()}
        below = {f"below/{name}": text for name, text in tree.items()}
        files = {sample.name: content(sample), f"below/{sample.name}": content(sample)}
        reading = bench.scan(scanner, tree | below | files, given=sorted(files))
        assert found(reading, sample) == set(files) == set(reading.files_read)

    def test_those_files_can_be_given_to_it_too(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        fitting = {
            name: text.encode()
            for name, text in HOSTILE.items()
            if not scanner.traits.suffixes or name.endswith(scanner.traits.suffixes)
        }
        files = fitting | {sample.name: content(sample)}
        reading = bench.scan(scanner, files)
        assert found(reading, sample) == {sample.name}
        assert set(reading.files_read) == set(files)

    def test_no_comment_excuses_a_defect(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        files = {f"excused_{number}.py": content(sample, f"  {one}") for number, one in enumerate(EXCUSES)}
        files |= {"before.py": content(sample, before=BEFORE), "plain.py": content(sample)}
        assert found(bench.scan(scanner, files), sample) == set(files)

    def test_every_name_is_a_file_and_none_is_left_out(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        names = [name for name in ODD_NAMES if name.endswith(scanner.traits.suffixes or "")]
        files = dict.fromkeys(names, content(sample))
        reading = bench.scan(scanner, files)
        assert set(files) - set(reading.files_read) == set()
        assert found(reading, sample) == set(files)

    def test_a_scanner_of_all_texts_leaves_none_out(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        if scanner.traits.suffixes:
            return  # it is given its own kinds only
        files = dict.fromkeys(LEFT_OUT, content(sample))
        reading = bench.scan(scanner, files | {sample.name: content(sample)})
        assert set(files) - set(reading.files_read) <= {"back\\slash.txt"}, "which only makes the scan unknown"
        assert set(files) - found(reading, sample) <= {"back\\slash.txt"}

    def test_a_name_that_cannot_be_told_is_not_read(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        forged = "x\n[scan]\tINFO\tChecking file: other.py"
        reading = bench.scan(
            scanner, {sample.name: content(sample)}, given=[sample.name, forged, "bad\x1b.py", "\udce9.py"]
        )
        assert set(reading.files_read) == {sample.name}

    def test_the_same_files_give_the_same_findings_in_the_same_order(
        self, bench: Bench, scanner: Scanner, sample: Sample
    ) -> None:
        files = {f"{name}.py": content(sample) * 3 for name in "dbac"}
        first = bench.scan(scanner, files, given=sorted(files))
        again = bench.scan(scanner, files, given=sorted(files, reverse=True))
        assert first.findings
        assert again.findings == first.findings

    def test_a_fingerprint_stays_when_lines_move(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        moved = b"# a line\n\n" + content(sample)
        first = bench.scan(scanner, {sample.name: content(sample)}).findings
        after = bench.scan(scanner, {sample.name: moved}).findings
        elsewhere = bench.scan(scanner, {"other.py": content(sample)}).findings
        assert {one.fingerprint for one in first} == {one.fingerprint for one in after}
        assert {one.line for one in first} != {one.line for one in after}
        assert not {one.fingerprint for one in first} & {one.fingerprint for one in elsewhere}

    def test_what_cannot_be_parsed_is_not_read(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        if sample.broken is None:
            return  # any text can be read
        files = {sample.name: content(sample), "broken.py": sample.broken.encode()}
        assert set(bench.scan(scanner, files).files_read) == {sample.name}

    def test_a_missing_file_is_not_read(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        try:
            reading = bench.scan(scanner, {sample.name: content(sample)}, given=[sample.name, "gone.py"])
        except ReportUnreadable:
            return
        assert set(reading.files_read) <= {sample.name}

    def test_no_file_is_not_every_file(self, bench: Bench, scanner: Scanner, sample: Sample) -> None:
        try:
            reading = bench.scan(scanner, {sample.name: content(sample)}, given=[])
        except ReportUnreadable:
            return
        assert (reading.files_read, reading.findings) == ((), ())

    def test_a_missing_program_ends_with_127_and_is_no_clean_scan(
        self, bench: Bench, scanner: Scanner, sample: Sample
    ) -> None:
        files = {sample.name: content(sample)}
        bench.lay_out(files)
        for gone in ("no-such-program", "/opt/scanners/bin/no-such-program"):
            written = bench.run(scanner.command(gone, [sample.name], bench.rules))
            assert written.end.code == 127
            with pytest.raises(ReportUnreadable):
                scanner.read(written, lines_of(files))
