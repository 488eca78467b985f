"""Likeness over the whole record at once: training of the weights and the search for duplicates. Needs the extra
`matching` (Splink and DuckDB); what happens at arrival never imports this."""
