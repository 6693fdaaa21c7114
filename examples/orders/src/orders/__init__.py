"""Orders: hardy's reference service."""
