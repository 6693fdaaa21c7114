"""A statement is read once: its parameters, and whether it writes."""

import pytest

from hardy.adapters.sql._statement import statement


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select 1", set()),
        ("select :a, :b, :a", {"a", "b"}),
        ("select ':no', \":no\", `:no`, [:no], :yes", {"yes"}),
        ("select 'it''s :no' || :yes", {"yes"}),
        ("select :yes -- :no\n, 1 /* :no */ + :also", {"yes", "also"}),
        ("select 1 /* :no", set()),
        ("select strftime('%H:%M:%S', :at)", {"at"}),
    ],
)
def test_the_parameters_are_found(sql, names):
    assert statement(sql).names == names


@pytest.mark.parametrize(
    ("sql", "writes"),
    [
        ("select * from orders", False),
        ("  -- a comment\n SELECT 1", False),
        ("with x as (select 1) select * from x", False),
        ("with x as (select 'insert') select * from x", False),
        ("with x as (select 1) insert into orders select * from x", True),
        ("values (1)", False),
        ("explain query plan delete from orders", False),
        ("insert into orders default values returning *", True),
        ("update orders set sku = 'x'", True),
        ("delete from orders", True),
        ("replace into orders values (1)", True),
        ("create table x (id)", True),
    ],
)
def test_writing_is_told_from_reading(sql, writes):
    assert statement(sql).writes is writes


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "`:buyer` has no value, `:sku` has no value in: select :sku, :buyer"),
        ({"sku": 1}, "`:buyer` has no value"),
        ({"sku": 1, "buyer": 2, "byer": 3}, "`byer` is given and not used"),
        ({"sku": 1, "byer": 3}, "`:buyer` has no value, `byer` is given and not used"),
    ],
)
def test_parameters_are_compared_with_what_is_given(given, problem):
    with pytest.raises(TypeError) as caught:
        statement("select :sku, :buyer").check(given)
    assert problem in str(caught.value)


@pytest.mark.parametrize("sql", ["select ?", "select ?1", "select @x", "select $x"])
def test_other_ways_to_write_parameters_are_refused(sql):
    with pytest.raises(TypeError, match="write parameters as `:name`"):
        statement(sql)


@pytest.mark.parametrize(
    "word", ["begin", "COMMIT", "rollback", "savepoint x", "release x", "pragma foreign_keys = off"]
)
def test_the_transaction_belongs_to_the_session(word):
    with pytest.raises(TypeError, match="is the session's business"):
        statement(word)
