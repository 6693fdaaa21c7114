"""Types in, wire shapes out."""

from hardy.core import publish
from hardy.schema._case import JsonCase
from hardy.schema._families import Family, Field, family_of, fields

__all__ = ["Family", "Field", "JsonCase", "family_of", "fields"]

publish(__name__, globals())
