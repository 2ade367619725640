"""iCalendar and vCard."""

from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.extract.readers.contentlines import content_lines, shown_time
from tests.unit.extract.reading import read, texts

_EVENT = (
    "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Home\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\n"
    "BEGIN:VEVENT\r\nSUMMARY:Dentist\\, again\r\nDTSTART;TZID=Europe/Berlin:20240501T101500\r\n"
    "DTEND:20240501T090000Z\r\nLOCATION:Main St. 1\r\n"
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20241231\r\n"
    'ORGANIZER;CN="Dr. Who: DDS":mailto:who@example.org\r\nATTENDEE:mailto:bob@example.org\r\n'
    "DESCRIPTION:Bring the old X-\r\n rays.\\nBe early.\r\n"
    "BEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    "BEGIN:VTODO\r\nSUMMARY:Buy floss\r\nDUE;VALUE=DATE:20240502\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)


def test_events_and_tasks_under_their_summary() -> None:
    blocks, notes = read("calendar", _EVENT.encode())
    assert notes.title == "Home"
    assert [(b.role, b.text) for b in blocks] == [
        (Role.HEADING, "Dentist, again"),
        (
            Role.PARAGRAPH,
            "Starts: 2024-05-01 10:15 Europe/Berlin\nEnds: 2024-05-01 09:00 UTC\nWhere: Main St. 1\n"
            "Repeats: every 2 weeks on Monday, Wednesday until 2024-12-31\n"
            "Organiser: Dr. Who: DDS <who@example.org>\nWith: bob@example.org",
        ),
        (Role.PARAGRAPH, "Bring the old X-rays.\nBe early."),
        (Role.HEADING, "Buy floss"),
        (Role.PARAGRAPH, "Due: 2024-05-02"),
    ]
    assert (blocks[1].line_start, blocks[1].line_end) == (6, 19)


def test_a_calendar_cut_short_still_gives_its_last_event() -> None:
    assert texts(read("calendar", b"BEGIN:VEVENT\nSUMMARY:x\nLOCATION:y")[0]) == ["x", "Where: y"]


def test_cards_as_people_read_them() -> None:
    card = (
        "BEGIN:VCARD\nVERSION:3.0\nN:Duck;Donald;Fauntleroy;;\nFN:Donald Duck\nORG:Farm;Yard\n"
        "item1.TEL;TYPE=home,voice;type=pref:+1 555\nEMAIL;TYPE=INTERNET:d@example.org\n"
        "ADR;TYPE=work:;;Pond 1;Duckburg;CA;12345;USA\nBDAY:19340609\nNOTE:angry\\, mostly\n"
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\n AAAA\nEND:VCARD\nBEGIN:VCARD\nN:Mouse;Minnie\nEND:VCARD\n"
    )
    blocks, _ = read("vcard", card.encode())
    assert texts(blocks) == [
        "Donald Duck",
        "Organisation: Farm, Yard\nPhone (home): +1 555\nMail: d@example.org\n"
        "Address (work): Pond 1, Duckburg, CA, 12345, USA\nBirthday: 1934-06-09\nNote: angry, mostly",
        "Minnie Mouse",
    ]


def test_old_cards_in_quoted_printable_and_another_charset() -> None:
    card = (
        b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=F6rg =\nM=FCller\n"
        b"TEL;CELL:1\nEND:VCARD\n"
    )
    assert texts(read("vcard", card)[0]) == ["Jörg Müller", "Phone (cell): 1"]


def test_lines_that_are_no_property_are_passed_over() -> None:
    lines, _ = content_lines(b"nonsense\n:x\nA B:c\nNOTE:yes\n")
    assert [line.name for line in lines] == ["NOTE"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("20240501", "2024-05-01"),
        ("2024-05-01T10:00:30", "2024-05-01 10:00"),
        ("20240501T100000Z", "2024-05-01 10:00 UTC"),
        ("--0609", "--0609"),
        ("soon", "soon"),
    ],
)
def test_times(value: str, shown: str) -> None:
    assert shown_time(value) == shown
