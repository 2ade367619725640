"""Calendars (iCalendar): each event, task and journal entry under its summary, with its times and people."""

from __future__ import annotations

from collections.abc import Iterator

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.contentlines import ContentLine, content_lines, shown_time
from nasd.extract.readers.flow import settle, squeeze

_ENTRIES = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
_TIMES = {
    "DTSTART": "Starts",
    "DTEND": "Ends",
    "DUE": "Due",
    "COMPLETED": "Completed",
    "RECURRENCE-ID": "Instead of",
}
_TEXTS = {
    "LOCATION": "Where", "STATUS": "Status", "CATEGORIES": "Categories", "URL": "Link",
    "RESOURCES": "Resources", "PRIORITY": "Priority", "CONTACT": "Contact", "DURATION": "Lasts",
}  # fmt: skip
_EVERY = {"YEARLY": "year", "MONTHLY": "month", "WEEKLY": "week", "DAILY": "day", "HOURLY": "hour"}
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday",
         "SA": "Saturday", "SU": "Sunday"}  # fmt: skip


class CalendarReader:
    name = "calendar"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        lines, notes.metadata["encoding"] = content_lines(source.stream.read())
        yield from settle(_blocks(lines, notes))


def _blocks(lines: list[ContentLine], notes: Notes) -> Iterator[Block]:
    entry: list[ContentLine] = []
    depth = 0  # within an entry; its alarms repeat it
    for line in lines:
        if line.name == "BEGIN":
            if depth:
                depth += 1
            elif line.value.strip().upper() in _ENTRIES:
                entry, depth = [line], 1
        elif line.name == "END" and depth:
            depth -= 1
            if depth == 0:
                yield from _entry([*entry, line])
        elif depth == 1:
            entry.append(line)
        elif depth == 0 and line.name in ("X-WR-CALNAME", "NAME") and notes.title is None:
            notes.title = squeeze(line.text)[:300] or None
        elif depth == 0 and line.name in ("X-WR-CALDESC", "DESCRIPTION"):
            yield Block(text=line.text, line_start=line.line_start, line_end=line.line_end)
    if depth:
        yield from _entry(entry)


def _entry(lines: list[ContentLine]) -> Iterator[Block]:
    start, end = lines[0].line_start, lines[-1].line_end
    shown: list[str] = []
    people: list[str] = []
    texts: list[str] = []
    for line in lines:
        zone = (line.parameters.get("TZID") or [""])[0]
        if line.name == "SUMMARY":
            yield Block(
                text=squeeze(line.text), role=Role.HEADING, level=1, line_start=line.line_start,
                line_end=line.line_end,
            )  # fmt: skip
        elif line.name in _TIMES:
            shown.append(f"{_TIMES[line.name]}: {shown_time(line.value, zone)}")
        elif line.name in _TEXTS and line.text:
            shown.append(f"{_TEXTS[line.name]}: {line.text}")
        elif line.name == "RRULE":
            shown.append(f"Repeats: {_rule(line.value)}")
        elif line.name == "ORGANIZER":
            shown.append(f"Organiser: {_person(line)}")
        elif line.name == "ATTENDEE":
            people.append(_person(line))
        elif line.name in ("DESCRIPTION", "COMMENT") and line.text:
            texts.append(line.text)
    if people:
        shown.append("With: " + ", ".join(people))
    for text in ("\n".join(shown), *texts):
        yield Block(text=text, line_start=start, line_end=end)


def _person(line: ContentLine) -> str:
    name = (line.parameters.get("CN") or [""])[0]
    address = line.value.strip()
    if address.lower().startswith("mailto:"):
        address = address[7:]
    return f"{name} <{address}>" if name and name != address else address


def _rule(value: str) -> str:
    """A recurrence rule in words: "every 2 weeks on Monday until 2024-12-31"."""
    rule = dict(part.split("=", 1) for part in value.upper().split(";") if "=" in part)
    unit = _EVERY.get(rule.get("FREQ", ""))
    if unit is None:
        return value
    interval = rule.get("INTERVAL", "1")
    words = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    if days := [_DAYS[day[-2:]] for day in rule.get("BYDAY", "").split(",") if day[-2:] in _DAYS]:
        words += " on " + ", ".join(days)
    if until := rule.get("UNTIL"):
        words += f" until {shown_time(until)}"
    if count := rule.get("COUNT"):
        words += f", {count} times"
    return words
