"""One rule a module: `check(tree)` yields findings."""
