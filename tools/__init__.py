"""The project's own rules, and programs that make committed files."""
