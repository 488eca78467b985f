"""Progress of a long job."""

import io

from careloop.cli.progress import Progress


class Watch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_it_tells_done_rate_and_what_remains() -> None:
    watch, stream = Watch(), io.StringIO()
    progress = Progress("messages", total=5000, stream=stream, elapsed=watch)
    watch.seconds = 4.0
    progress.advance(1200)
    assert progress.line() == "messages: 1,200 of 5,000, 300/s, 13 s to go"


def test_without_a_terminal_lines_are_plain_and_rare() -> None:
    watch, stream = Watch(), io.StringIO()
    progress = Progress("messages", stream=stream, elapsed=watch)
    for _ in range(100):
        watch.seconds += 0.1
        progress.advance()
    progress.finish()
    assert stream.getvalue().count("\n") == 2
    assert "\r" not in stream.getvalue()
