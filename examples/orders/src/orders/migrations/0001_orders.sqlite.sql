create table orders (
    id text primary key,
    sku text not null,
    quantity integer not null check (quantity > 0),
    buyer text not null,
    status text not null,
    placed_at text not null,
    version integer not null
);
create index orders_by_buyer on orders (buyer, id);
create index orders_unpaid on orders (placed_at) where status = 'placed';

create table order_events (
    number integer primary key autoincrement,
    tx integer not null default 0,
    order_id text not null references orders (id),
    status text not null,
    version integer not null,
    at text not null,
    unique (order_id, version)
);
-- One writer at a time: what can be read comes after everything before.
create view settled_events as
select * from order_events;

create table sales (
    sku text primary key,
    quantity integer not null
);

-- down
drop table sales;
drop view settled_events;
drop table order_events;
drop table orders;
