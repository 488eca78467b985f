"""The command line: one module per command, and the processes that `serve` starts."""
