"""The few places where the two databases want other words."""

# ruff: noqa: S608  # statements are put together of constants of this file only

from dataclasses import dataclass
from functools import cache

# The database's own clock, for those of the replicas may differ; a clock that a test turns goes before it.
_NOW = {
    "sqlite": "coalesce(cast(:now as double precision), (julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "coalesce(cast(:now as double precision), cast(extract(epoch from now()) as double precision))",
}
# An array on PostgreSQL, not a join, so that jobs are read in the order of their index whatever is known of the table.
_ONE_OF = {
    "sqlite": "in (select value from json_each(:{0}))",
    "postgresql": "= any(array(select jsonb_array_elements_text(cast(cast(:{0} as text) as jsonb))))",
}
_SKIP = {"sqlite": "", "postgresql": "for update skip locked"}
KEPT = 2 * 86400
"""Seconds that claimed ticks are remembered: a clock that is put back does not let them happen again."""


@dataclass(frozen=True, slots=True)
class Words:
    """Every statement in the words of one database."""

    put: str
    take: str
    renew: str
    done: str
    retry: str
    give_back: str
    bury: str
    find: str
    requeue: str
    claim: str
    forget: str
    last: str


@cache
def words_for(dialect: str) -> Words:
    """Return the statements for *dialect*."""
    now = _NOW[dialect]
    held = "where id = :id and lease = :lease"
    ids, leases, use_cases = (_ONE_OF[dialect].format(name) for name in ("ids", "leases", "use_cases"))
    taken = f"lease is not null and due > {now}"
    return Words(
        put=f"""insert into hardy_jobs (id, queue, use_case, message, priority, due, enqueued, cause)
    values (:id, :queue, :use_case, :message, :priority, {now} + :delay, {now}, :cause)""",
        take=f"""with found as (
      select id from hardy_jobs
      where queue = :queue and died is null and due <= {now} and use_case {use_cases}
      order by priority desc, due limit :limit {_SKIP[dialect]}
    )
    update hardy_jobs
    set lost = lost + case when lease is null then 0 else 1 end,
      attempt = attempt + 1, lease = :lease, due = {now} + :seconds
    where id in (select id from found)
    returning id, queue, use_case, message, priority, cause, attempt, lost, lease, enqueued""",
        renew=f"""update hardy_jobs set due = {now} + :seconds
    where id {ids} and lease {leases}
    returning id, lease""",
        done=f"delete from hardy_jobs {held}",
        retry=f"update hardy_jobs set lease = null, due = {now} + :delay, reason = :reason {held}",
        give_back=f"update hardy_jobs set lease = null, due = {now}, attempt = attempt - 1 {held}",
        bury=f"update hardy_jobs set lease = null, died = {now}, reason = :reason {held}",
        find=f"""select id, queue, use_case, message, priority, attempt as attempts, due, enqueued, reason,
      case when died is not null then 'dead' when {taken} then 'taken' else 'waiting' end as state
    from hardy_jobs
    where (queue = :queue or :every_queue = 1)
      and (:state = '' or :state = case when died is not null then 'dead' when {taken} then 'taken' else 'waiting' end)
    order by case when died is null then 0 else 1 end, queue, priority desc, due limit :limit""",
        requeue=f"""update hardy_jobs set died = null, due = {now}, attempt = 0, lost = 0, lease = null, reason = null
    where died is not null and (queue = :queue or :every_queue = 1) and (:every = 1 or id {ids})
    returning queue""",
        claim=f"""insert into hardy_claims (name, tick, claimed) values (:name, :tick, {now})
    on conflict (name, tick) do nothing""",
        forget=f"delete from hardy_claims where name = :name and claimed < {now} - {KEPT}",
        last="select max(tick) from hardy_claims where name = :name and tick <= :before",
    )
