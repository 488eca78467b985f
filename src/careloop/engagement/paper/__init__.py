"""Files of pages that came in: read, kept, attached."""
