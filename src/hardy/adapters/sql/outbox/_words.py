"""The few places where the two databases want other words."""

# ruff: noqa: S608  # statements are put together of constants of this file only

from dataclasses import dataclass
from functools import cache

NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "cast(extract(epoch from clock_timestamp()) as double precision)",
}
"""The database's own clock in seconds since 1970: the clocks of the relays may differ."""

_NUMBERS = {
    "sqlite": "(select value from json_each(:positions))",
    "postgresql": "(select cast(jsonb_array_elements_text(cast(cast(:positions as text) as jsonb)) as bigint))",
}
_TEXTS = {
    "sqlite": "(select value from json_each(:ids))",
    "postgresql": "(select jsonb_array_elements_text(cast(cast(:ids as text) as jsonb)))",
}
_SKIP = {"sqlite": "", "postgresql": "for update skip locked"}

_INSERT_MANY = {
    "sqlite": "",
    "postgresql": f"""insert into hardy_outbox (id, topic, key, part, type, data, headers, time, written)
    select id, topic, key, part, type, decode(data, 'base64'), headers, time, {NOW["postgresql"]}
    from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as given (
      n integer, id text, topic text, key text, part integer, type text, data text, headers text, time text
    ) order by n""",
}

PARTS_AT_ONCE = 8
"""How many parts a relay takes in one round, so that others find some, too."""
_IN = f"in ({', '.join(f':part{n}' for n in range(PARTS_AT_ONCE))})"


def parts_of(numbers: list[int]) -> dict[str, object]:
    """Return the parameters for a set of parts, filled up with one that does not exist."""
    padded = [*numbers, *[-1] * PARTS_AT_ONCE]
    return {f"part{n}": padded[n] for n in range(PARTS_AT_ONCE)}


@dataclass(frozen=True, slots=True)
class Words:
    """Every statement of the outbox in the words of one database."""

    insert: str
    insert_many: str
    """Empty where one statement for each costs nothing: where there is no network."""
    free: str
    claim: str
    read: str
    sent: str
    remove: str
    again: str
    dead: str
    release: str
    sweep: str
    facts: str
    letters: str
    replay: str
    discard: str
    mark: str
    forget: str


@cache
def words_for(dialect: str) -> Words:
    """Return the statements for *dialect*."""
    now = NOW[dialect]
    sendable = f"""o.state = 'waiting' and o.due <= {now} and not exists (
      select 1 from hardy_outbox b where b.stuck = 1 and b.topic = o.topic and b.key = o.key and b.position < o.position
    ) and o.position <= :line"""
    settled = f"where position in {_NUMBERS[dialect]} and state = 'waiting'"
    one = "where position = :position and state = 'waiting' and attempts = :attempts - 1"
    chosen = f"where state = 'dead' and (:every = 1 or id in {_TEXTS[dialect]})"
    return Words(
        insert=f"""insert into hardy_outbox (id, topic, key, part, type, data, headers, time, written)
    values (:id, :topic, :key, :part, :type, :data, :headers, :time, {now})""",
        insert_many=_INSERT_MANY[dialect],
        free=f"""select l.part from hardy_outbox_leases l
    where (l.until < {now} or l.owner = :owner)
      and exists (select 1 from hardy_outbox o where o.part = l.part and {sendable})
    order by random() limit {PARTS_AT_ONCE}""",
        claim=f"""update hardy_outbox_leases set owner = :owner, until = {now} + :lease
    where part in (
      select part from hardy_outbox_leases where part {_IN} and (until < {now} or owner = :owner) {_SKIP[dialect]}
    ) returning part""",
        read=f"""select o.position, o.id, o.topic, o.key, o.type, o.data, o.headers, o.time, o.attempts
    from hardy_outbox o where o.part {_IN} and {sendable} order by o.position limit :batch""",
        sent=f"update hardy_outbox set state = 'sent', stuck = 0, sent_at = {now} {settled}",
        remove=f"delete from hardy_outbox {settled}",
        again=f"""update hardy_outbox set attempts = :attempts, due = {now} + :delay, stuck = 1, error = :error
    {one}""",
        dead=f"update hardy_outbox set attempts = :attempts, state = 'dead', stuck = :stuck, error = :error {one}",
        release=f"update hardy_outbox_leases set owner = '', until = 0 where owner = :owner and part {_IN}",
        sweep=f"""delete from hardy_outbox where position in (
      select position from hardy_outbox where state = 'sent' and sent_at < {now} - :keep limit 1000)""",
        facts=f"""select (select count(*) from hardy_outbox where state = 'waiting') as waiting,
    (select count(*) from hardy_outbox where state = 'dead') as dead,
    {now} - (select min(written) from hardy_outbox where state = 'waiting') as lag,
    (select count(*) from hardy_outbox where state = 'waiting' and position > :line) as held_back,
    {now} - (select min(written) from hardy_outbox where state = 'waiting' and position > :line) as held_for""",
        letters="""select id, topic, key, type, data, error as reason, attempts, time from hardy_outbox
    where state = 'dead' order by position limit :limit""",
        replay=f"update hardy_outbox set state = 'waiting', attempts = 0, due = 0, stuck = 0, error = null {chosen}",
        discard=f"delete from hardy_outbox {chosen}",
        mark=f"""insert into hardy_inbox (consumer, event, at) values (:consumer, :event, {now})
    on conflict (consumer, event) do nothing""",
        forget=f"""delete from hardy_inbox where (consumer, event) in (
      select consumer, event from hardy_inbox where at < {now} - :keep limit 1000)""",
    )
