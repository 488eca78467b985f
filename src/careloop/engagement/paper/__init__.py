"""Files of pages that came in: read, kept, attached. Sheets that go out as PDF."""
