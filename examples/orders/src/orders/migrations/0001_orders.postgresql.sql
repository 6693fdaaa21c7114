create table orders (
    id uuid primary key,
    sku text not null,
    quantity bigint not null check (quantity > 0),
    buyer text not null,
    status text not null,
    placed_at timestamptz not null,
    version bigint not null
);
create index orders_by_buyer on orders (buyer, id);
create index orders_unpaid on orders (placed_at) where status = 'placed';

-- Numbers are drawn before a transaction commits: who reads on looks at the transactions, too.
create table order_events (
    number bigint generated always as identity primary key,
    tx bigint not null default (pg_current_xact_id()::text::bigint),
    order_id uuid not null references orders (id),
    status text not null,
    version bigint not null,
    at timestamptz not null,
    unique (order_id, version)
);
create index order_events_in_order on order_events (tx, number);

-- What no transaction that is still open can come before.
create view settled_events as
select * from order_events where tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

create table sales (
    sku text primary key,
    quantity bigint not null
);

-- down
drop table sales;
drop view settled_events;
drop table order_events;
drop table orders;
