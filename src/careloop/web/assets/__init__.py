"""What browsers load: our CSS and script, and the few third-party files that a lock file names."""
