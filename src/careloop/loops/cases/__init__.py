"""Cases: sentences about care that content must make true."""

from careloop.loops.cases.files import Report, run_cases
from careloop.loops.cases.running import Content, Played, play, run_case

__all__ = ["Content", "Played", "Report", "play", "run_case", "run_cases"]
