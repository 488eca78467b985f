"""The processes that stand beside the web server: the MLLP listener and the worker."""
