"""Pure decisions about medicines."""
