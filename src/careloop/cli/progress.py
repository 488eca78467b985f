"""How far a long job is: done, rate, remaining. One line that is rewritten on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

_TERMINAL_SECONDS = 0.2
_PLAIN_SECONDS = 5.0


class Progress:
    """Shows progress on stderr. `total` may become known later, or never."""

    def __init__(
        self,
        what: str,
        *,
        total: int | None = None,
        stream: TextIO | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self._stream = stream or sys.stderr
        self._elapsed = elapsed
        self._started = self._shown = elapsed()

    def advance(self, count: int = 1) -> None:
        """So many more are done; shown from time to time."""
        self.done += count
        every = _TERMINAL_SECONDS if self._stream.isatty() else _PLAIN_SECONDS
        if self._elapsed() - self._shown >= every:
            self._shown = self._elapsed()
            self._write(last=False)

    def finish(self) -> float:
        """The last line stands; the seconds that the job took."""
        self._write(last=True)
        return self._elapsed() - self._started

    def line(self) -> str:
        """`messages: 1,200 of 5,000, 310/s, 12 s to go`."""
        seconds = max(self._elapsed() - self._started, 1e-6)
        rate = self.done / seconds
        parts = [f"{self.done:,}" + (f" of {self.total:,}" if self.total is not None else ""), f"{rate:,.0f}/s"]
        if self.total is not None and rate > 0:
            parts.append(f"{max(self.total - self.done, 0) / rate:,.0f} s to go")
        return f"{self.what}: " + ", ".join(parts)

    def _write(self, *, last: bool) -> None:
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{self.line()}" + ("\n" if last else ""))
        else:
            self._stream.write(self.line() + "\n")
        self._stream.flush()
