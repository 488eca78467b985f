"""What a person should understand, in which words, and whether they did."""

from careloop.engagement.education.content import items_of
from careloop.engagement.education.model import Answer, Choice, Item, Standing, Words
from careloop.engagement.education.rules import fitting, standing_of, words_in

__all__ = ["Answer", "Choice", "Item", "Standing", "Words", "fitting", "items_of", "standing_of", "words_in"]
