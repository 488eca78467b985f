"""Batch files: FHS, BHS ... BTS, FTS. What the trailers promise, and the answer to a whole file. Pure.

Source: HL7 v2.5.1 chapter 2, 2.10.3 (batch protocol), 2.15.2 BHS, 2.15.3 BTS, 2.15.6 FHS, 2.15.7 FTS.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from careloop.intake.hl7v2 import STANDARD, escape

_LINES = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The headers of a batch file: who sent it under which number, and how many messages its trailers promise."""

    sender: tuple[str, str]
    receiver: tuple[str, str]
    number: str
    promised: int | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one message of a batch."""

    code: str
    control_id: str
    reason: str = ""


def batch_of(text: str) -> Batch | None:
    """The batch that a file is; None for a file of bare messages. The batch's own header counts before the file's."""
    lines = [line.lstrip("\ufeff \x0b") for line in _LINES.split(text)]
    header = next((line for kind in ("BHS", "FHS") for line in lines if line.startswith(kind)), None)
    if header is None or len(header) < 5:
        return None
    fields = header.split(header[3])
    counts = [line.split(header[3])[1:2] for line in lines if line.startswith("BTS")]
    told = [int(count[0]) for count in counts if count and count[0].isascii() and count[0].strip().isdigit()]
    at = (fields + [""] * 12)[:12]
    return Batch(sender=(at[2], at[3]), receiver=(at[4], at[5]), number=at[10], promised=sum(told) if told else None)


def batch_acknowledgment(batch: Batch, outcomes: Sequence[Outcome], now: datetime, own_id: str) -> bytes:
    """The answer to the whole file: a batch of acknowledgments in the order of its messages."""
    stamp = now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    ends = [escape(part) for part in (*batch.receiver, *batch.sender)]
    lines = ["|".join(["BHS", STANDARD.msh_2, *ends, stamp, "", "", "", own_id, escape(batch.number)])]
    for number, one in enumerate(outcomes, start=1):
        header = ["MSH", STANDARD.msh_2, *ends, stamp, "", "ACK", f"{own_id}-{number}", "P", "2.5.1"]
        lines += ["|".join(header), f"MSA|{one.code}|{escape(one.control_id)}"]
        if one.reason:
            lines.append(f"ERR|||207^Application internal error^HL70357|E||||{escape(one.reason)}")
    lines.append(f"BTS|{len(outcomes)}")
    return "".join(f"{line}\r" for line in lines).encode()
