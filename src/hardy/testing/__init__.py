"""What the tests of a service are written with."""
