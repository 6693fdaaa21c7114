"""Every example in a docstring runs and prints what it says."""

import doctest


def test_the_examples_of_a_docstring_run(docstring, reader_of_docstring):
    module, name, text = docstring
    for example in doctest.DocTestParser().get_examples(text):
        reader_of_docstring.type_in(example, f"{module}:{name}")
