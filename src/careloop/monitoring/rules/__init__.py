"""Pure decisions of home readings."""
