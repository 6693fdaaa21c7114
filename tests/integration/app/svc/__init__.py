"""A service that the tests run as a process: `python -m svc`."""
