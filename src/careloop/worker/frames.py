"""MLLP frames out of a stream of bytes: `0x0B message 0x1C 0x0D`. Pure; knows no socket.

Tolerates junk between frames, a trailer that comes in pieces or lacks its CR, several frames in one read. Source: HL7
Transport Specification MLLP release 1.
"""

from dataclasses import dataclass, field

START, END, CARRIAGE_RETURN = 0x0B, 0x1C, 0x0D
_BLANK = b" \t\r\n\x00"
_MOST_JUNK_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came. `broken` says what was wrong when it is no whole frame; `is_junk`: it was never meant to
    be one, and nobody waits for an answer."""

    raw: bytes
    broken: str = ""
    is_junk: bool = False


@dataclass(kw_only=True)
class FrameReader:
    """Takes bytes as they come and gives frames as they are complete. `limit` is the largest message, in bytes."""

    limit: int
    _buffer: bytearray = field(default_factory=bytearray)
    _inside: bool = False
    _skipping: bool = False
    _searched: int = 0
    _junk: bytearray = field(default_factory=bytearray)

    @property
    def is_unfinished(self) -> bool:
        """True while a frame has begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order, broken ones too."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            taken = self._take_message(frames) if self._inside else self._take_junk(frames)
            if not taken:
                return frames

    def end(self) -> list[Frame]:
        """What is left when the stream ends or is given up: half a frame, junk."""
        frames: list[Frame] = []
        self._flush_junk(frames)
        if self._inside and not self._skipping:
            frames.append(Frame(bytes(self._buffer), "the frame has no end (0x1C 0x0D)"))
        self._buffer.clear()
        self._inside = self._skipping = False
        return frames

    def _take_junk(self, frames: list[Frame]) -> bool:
        """What stands before the next start byte. Blanks and stray trailers are nothing."""
        start = self._buffer.find(START)
        junk = self._buffer[: start if start >= 0 else len(self._buffer)]
        room = _MOST_JUNK_KEPT - len(self._junk)
        self._junk += junk[: max(room, 0)]
        if start < 0:
            self._buffer.clear()
            return False
        del self._buffer[: start + 1]
        self._flush_junk(frames)
        self._inside, self._searched = True, 0
        return True

    def _take_message(self, frames: list[Frame]) -> bool:
        """Up to the end byte. Another start byte before it means that the first frame was never ended."""
        end = self._buffer.find(END, self._searched)
        again = self._buffer.find(START, self._searched, end if end >= 0 else len(self._buffer))
        if again >= 0:
            self._finish(frames, again, "the frame has no end (0x1C 0x0D) before the next one starts")
            self._inside, self._searched = True, 0
            return True
        if end < 0:
            self._searched = len(self._buffer)
            self._watch_size(frames)
            return False
        if end > self.limit:
            self._watch_size(frames)
        self._finish(frames, end, "")
        return True

    def _finish(self, frames: list[Frame], end: int, broken: str) -> None:
        if not self._skipping:
            frames.append(Frame(bytes(self._buffer[:end]), broken))
        del self._buffer[: end + 1]
        self._inside = self._skipping = False

    def _watch_size(self, frames: list[Frame]) -> None:
        """A message over the limit is given up at once; the rest of it is read and thrown away."""
        if len(self._buffer) <= self.limit:
            return
        if not self._skipping:
            frames.append(
                Frame(bytes(self._buffer[:_MOST_JUNK_KEPT]), f"the message is larger than {self.limit} bytes")
            )
        self._skipping = True
        if END not in self._buffer:
            self._buffer.clear()
            self._searched = 0

    def _flush_junk(self, frames: list[Frame]) -> None:
        junk = bytes(self._junk).strip(_BLANK + bytes([END]))
        self._junk.clear()
        if junk:
            frames.append(Frame(junk, "bytes between frames", is_junk=True))


def framed(message: bytes) -> bytes:
    """A message ready to be sent."""
    return bytes([START]) + message + bytes([END, CARRIAGE_RETURN])
