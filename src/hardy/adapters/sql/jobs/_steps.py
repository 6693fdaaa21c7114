"""The tables of jobs and claimed ticks."""

from hardy.adapters.sql._schema_step import SchemaStep

# `due` is when a job may be taken, in seconds since 1970: when its time comes, or when the lease of who has it ends.
_JOBS = """
create table hardy_jobs (
  id text primary key,
  queue text not null,
  use_case text not null,
  message text not null,
  priority bigint not null,
  due double precision not null,
  enqueued double precision not null,
  attempt bigint not null default 0,
  lost bigint not null default 0,
  lease text,
  cause text,
  reason text,
  died double precision
);
create index hardy_jobs_due on hardy_jobs (queue, priority desc, due) where died is null;
create index hardy_jobs_died on hardy_jobs (queue, died) where died is not null;
"""
_CLAIMS = """
create table hardy_claims (
  name text not null,
  tick double precision not null,
  claimed double precision not null,
  primary key (name, tick)
);
"""

STEPS = (
    SchemaStep(name="hardy_jobs_0001", sqlite=_JOBS, postgresql=_JOBS),
    SchemaStep(name="hardy_claims_0001", sqlite=_CLAIMS, postgresql=_CLAIMS),
)
