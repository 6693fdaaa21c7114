"""The tables of outbox and inbox."""

# ruff: noqa: S608  # statements are put together of constants of this file only

from hardy.adapters.sql._schema_step import SchemaStep

PARTS = 32
"""Into how many parts keys are spread; each is relayed by one process at a time."""

_LEASES = f"""
insert into hardy_outbox_leases (part, owner, until)
with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < {PARTS})
select n, '', 0 from numbers;
"""

# What waits is found by the partial indexes only, so that what was sent costs nothing but room. `stuck` is 1 for
# what holds its key back: it has failed and waits for another attempt, or is a dead letter.
_INDEXES = """
create index hardy_outbox_unsent on hardy_outbox (position) where state = 'waiting';
create index hardy_outbox_waiting on hardy_outbox (part, position) where state = 'waiting';
create index hardy_outbox_stuck on hardy_outbox (topic, key, position) where stuck = 1;
create index hardy_outbox_sent on hardy_outbox (sent_at) where state = 'sent';
create index hardy_outbox_dead on hardy_outbox (position) where state = 'dead';
create table hardy_outbox_leases (part bigint primary key, owner text not null, until double precision not null);
"""

OUTBOX = (
    SchemaStep(
        name="hardy_outbox_0001",
        sqlite=f"""
create table hardy_outbox (
  position integer primary key autoincrement,
  id text not null unique,
  topic text not null,
  key text,
  part integer not null,
  type text not null,
  data blob not null,
  headers text not null,
  time text not null,
  written double precision not null,
  state text not null default 'waiting',
  attempts integer not null default 0,
  due double precision not null default 0,
  stuck integer not null default 0,
  error text,
  sent_at double precision
);
{_INDEXES}{_LEASES}""",
        # The transaction's id stands first, so that it is taken before the position is drawn: see `Line`.
        postgresql=f"""
create table hardy_outbox (
  written_by xid8 not null default pg_current_xact_id(),
  position bigint generated always as identity primary key,
  id text not null unique,
  topic text not null,
  key text,
  part bigint not null,
  type text not null,
  data bytea not null,
  headers text not null,
  time text not null,
  written double precision not null,
  state text not null default 'waiting',
  attempts bigint not null default 0,
  due double precision not null default 0,
  stuck bigint not null default 0,
  error text,
  sent_at double precision
);
{_INDEXES}{_LEASES}""",
    ),
)

INBOX = (
    SchemaStep(
        name="hardy_inbox_0001",
        sqlite="""
create table hardy_inbox (
  consumer text not null,
  event text not null,
  at double precision not null,
  primary key (consumer, event)
) without rowid;
create index hardy_inbox_at on hardy_inbox (at);
""",
        postgresql="""
create table hardy_inbox (
  consumer text not null,
  event text not null,
  at double precision not null,
  primary key (consumer, event)
);
create index hardy_inbox_at on hardy_inbox (at);
""",
    ),
)
