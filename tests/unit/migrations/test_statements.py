"""A script is taken apart where its statements end, and nowhere else."""

import pytest

from hardy.adapters.sql.migrations._statements import checksum_of, split

CASES = {
    "two_statements": ("a; b", ["a", "b"]),
    "no_last_semicolon": ("a", ["a"]),
    "empty_statements": (";; a ;;", ["a"]),
    "only_comments": ("-- a;\n/* b; */", []),
    "comment_with_semicolon": ("a -- x;\n b; c", ["a -- x;\n b", "c"]),
    "nested_comment": ("a /* x; /* y; */ z; */ b; c", ["a /* x; /* y; */ z; */ b", "c"]),
    "unfinished_comment": ("a; /* b; c", ["a"]),
    "string": ("select ';'; b", ["select ';'", "b"]),
    "doubled_quote": ("select 'it''s; so'; b", ["select 'it''s; so'", "b"]),
    "escape_string": (r"select E'it\'s; so'; b", [r"select E'it\'s; so'", "b"]),
    "word_that_ends_in_e": ("select type'a;b'; c", ["select type'a;b'", "c"]),
    "quoted_name": ('select "a;b"; c', ['select "a;b"', "c"]),
    "backticks": ("select `a;b`; c", ["select `a;b`", "c"]),
    "dollar_quote": ("do $$ begin x; end $$; b", ["do $$ begin x; end $$", "b"]),
    "tagged_dollar_quote": ("do $a$ $$ ; $$ $a$; b", ["do $a$ $$ ; $$ $a$", "b"]),
    "trigger": (
        "create trigger t after insert on a begin select 1; select case when 1 then 2 end; end; b",
        ["create trigger t after insert on a begin select 1; select case when 1 then 2 end; end", "b"],
    ),
    "atomic_function": (
        "create or replace function f() returns int begin atomic select 1; end; b",
        ["create or replace function f() returns int begin atomic select 1; end", "b"],
    ),
    "begin_is_no_body": ("begin; a; end; b", ["begin", "a", "end", "b"]),
    "column_called_end": ('create table a ("end" int); b', ['create table a ("end" int)', "b"]),
}


@pytest.mark.parametrize(("script", "statements"), CASES.values(), ids=CASES)
def test_a_script_is_split_where_statements_end(script, statements):
    assert [each.text for each in split(script)] == statements


def test_a_statement_knows_its_line():
    assert [each.line for each in split("\n-- one\na;\n\n/* x\n */ b\n; c", line=10)] == [12, 15, 16]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("create table a (b int)", "CREATE   TABLE a\n  (b int);", True, id="layout"),
        pytest.param("select 1 -- one", "/* two */ select 1", True, id="comments"),
        pytest.param("select 1", "select 2", False, id="values"),
        pytest.param("select 'A'", "select 'a'", False, id="strings"),
        pytest.param("select 'a  b'", "select 'a b'", False, id="blanks-in-strings"),
        pytest.param("a; b", "b; a", False, id="order"),
    ],
)
def test_the_checksum_is_of_what_is_executed(one, other, same):
    assert (checksum_of(split(one)) == checksum_of(split(other))) is same
