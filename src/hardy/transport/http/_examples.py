"""Docstrings read for the API document: what they say, and the examples in them.

The rule: a line ``Example:`` and, indented below it, one JSON value. In the
docstring of a message or a reply it is an example of that; in the docstring of
a use case it is the message.
"""

import json
import textwrap

_HEADINGS = frozenset({"Example:", "Examples:"})


def split_doc(doc: str) -> tuple[str, object]:
    r"""Return a docstring without its JSON example, and the example (``None`` without one).

    Example:
        >>> split_doc('Place an order.\n\nExample:\n    {"sku": "tea"}')
        ('Place an order.', {'sku': 'tea'})
    """
    lines = textwrap.dedent(doc).split("\n")
    for start, line in enumerate(lines):
        if line.strip() not in _HEADINGS:
            continue
        depth = len(line) - len(line.lstrip())
        end = start + 1
        while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
            end += 1
        try:
            example: object = json.loads("\n".join(lines[start + 1 : end]))
        except ValueError:  # a doctest or prose
            continue
        return "\n".join([*lines[:start], *lines[end:]]).strip(), example
    return doc.strip(), None


def move_examples(components: dict[str, dict[str, object]]) -> None:
    """Take the examples out of the descriptions of *components* and put them where JSON Schema has them."""
    for schema in components.values():
        description = schema.get("description")
        if isinstance(description, str):
            schema["description"], example = split_doc(description)
            if not schema["description"]:
                del schema["description"]
            if example is not None and "examples" not in schema:
                schema["examples"] = [example]
