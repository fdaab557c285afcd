"""What every tracker must do, run on each of them."""

import pytest

from domain.errors import ForgeRefused
from domain.tracking import FactoryLabel, ItemStatus, Standing
from tests.adapters.tracker.desks import NAME, People

RUN, WORKING, REVIEW = FactoryLabel.RUN, FactoryLabel.WORKING, FactoryLabel.REVIEW


class TrackerConformance:
    @pytest.fixture
    def people(self) -> People:
        raise NotImplementedError

    def test_an_item_is_read_as_it_is(self, people: People) -> None:
        number = people.write(
            "Größe «x» 🎉", "Line one\n\n- [ ] box\n<b>&amp;", author="eve", labels=["agent:run", "P1"]
        )
        people.comment(number, "I agree", author="bob")
        item = people.tracker.item(NAME, number)
        assert item is not None
        assert (item.repository, item.number, item.reference) == (NAME, number, f"{NAME}#{number}")
        assert (item.title, item.text, item.author) == ("Größe «x» 🎉", "Line one\n\n- [ ] box\n<b>&amp;", "eve")
        assert set(item.labels) == {"agent:run", "P1"}
        assert item.status is ItemStatus.OPEN
        assert [(one.author, one.text, one.edited) for one in item.comments] == [("bob", "I agree", False)]
        assert people.tracker.item(NAME, number) == item

    def test_there_is_no_item_of_another_number(self, people: People) -> None:
        assert people.tracker.item(NAME, 4711) is None

    def test_wanted_are_the_marked_and_the_spoken_of(self, people: People) -> None:
        plain, marked, spoken, closed = (people.write(title) for title in "abcd")
        people.edit(marked, labels=["agent:run", "bug"])
        people.edit(closed, labels=["agent:run"])
        people.edit(closed, status="closed")
        people.comment(spoken, "/factory run")
        people.comment(plain, "what does /factory do?")
        assert [item.number for item in people.tracker.wanted(NAME)] == [marked, spoken]

    def test_standings(self, people: People) -> None:
        found = [people.tracker.standing(NAME, login) for login in ("ann", "bob", "eve", "stranger", "../x")]
        assert found == [Standing.WRITE, Standing.ADMIN, Standing.READ, Standing.NONE, Standing.NONE]

    def test_one_comment_is_kept_however_often_it_is_said(self, people: People) -> None:
        number = people.write()
        first = people.tracker.say(NAME, number, marker="progress/1", text="working")
        assert people.tracker.say(NAME, number, marker="progress/1", text="working") == first
        assert people.tracker.say(NAME, number, marker="progress/1", text="done @\u200bann `x`") == first
        [(author, text)] = people.comments(number)
        assert author == people.login == people.tracker.myself(NAME)
        assert "done @\u200bann `x`" in text
        assert "working" not in text

    def test_markers_are_told_apart(self, people: People) -> None:
        number = people.write()
        people.tracker.say(NAME, number, marker="progress/1", text="one")
        people.tracker.say(NAME, number, marker="progress/12", text="two")
        people.tracker.say(NAME, number, marker="strange ü --> marker", text="three")
        people.tracker.say(NAME, number, marker="strange ü --> marker", text="four")
        assert len(people.comments(number)) == 3

    def test_our_marker_in_somebody_elses_words_is_not_ours(self, people: People) -> None:
        number = people.write()
        people.tracker.say(NAME, number, marker="progress/1", text="ours")
        [(_, ours)] = people.comments(number)
        other = people.write("other")
        people.comment(other, ours, author="eve")
        people.tracker.say(NAME, other, marker="progress/1", text="said")
        assert [author for author, _ in people.comments(other)] == ["eve", people.login]
        assert people.comments(other)[0][1] == ours

    def test_many_comments_do_not_hide_ours(self, people: People) -> None:
        number = people.write()
        people.tracker.say(NAME, number, marker="m", text="first")
        for count in range(35):
            people.comment(number, f"talk {count}")
        people.tracker.say(NAME, number, marker="m", text="second")
        found = people.comments(number)
        assert len(found) == 36
        assert "second" in found[0][1]

    def test_moving_sets_our_labels_and_leaves_the_others(self, people: People) -> None:
        number = people.write(labels=["bug", "agent:run", "needs-human"])
        people.tracker.move(NAME, number, ItemStatus.IN_PROGRESS, labels={RUN, WORKING})
        people.tracker.move(NAME, number, ItemStatus.IN_PROGRESS, labels={RUN, WORKING})
        item = people.tracker.item(NAME, number)
        assert item is not None
        assert set(item.labels) == {"bug", "agent:run", "agent:working"}
        assert item.status is ItemStatus.IN_PROGRESS
        people.tracker.move(NAME, number, ItemStatus.IN_PROGRESS, labels=None)
        assert people.tracker.item(NAME, number).labels == item.labels

    def test_done_is_done(self, people: People) -> None:
        number = people.write(labels=["agent:run"])
        people.tracker.move(NAME, number, ItemStatus.DONE, labels={FactoryLabel.DONE})
        item = people.tracker.item(NAME, number)
        assert item is not None
        assert (item.status, item.labels) == (ItemStatus.DONE, ("agent:done",))
        assert people.tracker.wanted(NAME) == []

    def test_what_a_person_closed_stays_closed(self, people: People) -> None:
        number = people.write(labels=["agent:run"])
        people.edit(number, status="closed")
        people.tracker.move(NAME, number, ItemStatus.IN_PROGRESS, labels={RUN, REVIEW})
        item = people.tracker.item(NAME, number)
        assert item is not None
        assert item.status is ItemStatus.CLOSED

    def test_nothing_is_said_on_an_item_that_is_not_there(self, people: People) -> None:
        with pytest.raises(ForgeRefused):
            people.tracker.say(NAME, 4711, marker="m", text="x")
        with pytest.raises(ForgeRefused):
            people.tracker.move(NAME, 4711, ItemStatus.DONE)

    def test_a_huge_text_is_still_one_comment(self, people: People) -> None:
        number = people.write()
        for text in ("y" * 200_000, "z" * 200_000):
            people.tracker.say(NAME, number, marker="m", text=text)
        [(_, said)] = people.comments(number)
        assert "zzz" in said
