"""A made-up practice: staff, people with coherent histories, stays in every stage, a live feed."""

from careloop.demo.feed import run_feed
from careloop.demo.prepare import DemoAccess, prepare

__all__ = ["DemoAccess", "prepare", "run_feed"]
