"""A terminal as far as our drawing needs one: it shows what a person would see."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)|(\x1b)")


class Screen:
    """Takes what is written to a terminal of so many columns, and refuses what it does not know.

    `rows` are all lines, those that scrolled away first; `wrapped` counts lines that were broken.
    """

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.rows: list[str] = [""]
        self.wrapped = 0
        self._row = 0
        self._column = 0
        self._wraps = True

    def feed(self, text: str) -> Screen:
        """Show a text."""
        for private, number, letter, control, plain, stray in _PARTS.findall(text):
            assert not stray, "an escape that this terminal does not know"
            if letter:
                self._escape(private, number, letter)
            elif control == "\r":
                self._column = 0
            elif control:
                self._next()
            else:
                self._put(plain)
        return self

    def _escape(self, private: str, number: str, letter: str) -> None:
        match private, letter:
            case "", "A":
                assert self._row >= int(number), "the cursor left the terminal"
                self._row -= int(number)
            case "", "J":
                del self.rows[self._row + 1 :]
                self.rows[self._row] = self.rows[self._row][: self._column]
            case "", "m":
                pass
            case "?", "l" | "h":
                assert number == "7"
                self._wraps = letter == "h"
            case _:
                raise AssertionError(private + number + letter)

    def _next(self) -> None:
        self._row, self._column = self._row + 1, 0
        if self._row == len(self.rows):
            self.rows.append("")

    def _put(self, text: str) -> None:
        room = self.columns - self._column
        if len(text) > room and self._wraps:
            self.wrapped += 1
            self._put(text[:room])
            self._next()
            self._put(text[room:])
            return
        text = text[:room]
        line = self.rows[self._row].ljust(self._column)
        self.rows[self._row] = line[: self._column] + text + line[self._column + len(text) :]
        self._column += len(text)

    def text(self) -> str:
        """Return all that there is to see."""
        return "\n".join(row.rstrip() for row in self.rows)
