-- +goose Up
-- One dialect: what CockroachDB and PostgreSQL both accept. Keys start with the partition, so that ranges spread.

-- The applied position of each partition of each fold. "next" is M: the position of the first record not applied.
CREATE TABLE stream_positions (
    role          text   NOT NULL,
    partition     int4   NOT NULL,
    next          int8   NOT NULL, -- M
    base          int8   NOT NULL, -- position = base + offset of the input topic
    topic_id      bytea  NOT NULL, -- of the input topic (16 bytes)
    last_hash     bytea  NOT NULL, -- of record M-1, empty when M = base
    format        int2   NOT NULL, -- of what the fold stores; a higher one than ours stops the partition
    PRIMARY KEY (role, partition)
) WITH (fillfactor = 45);

-- What each applied record published, byte for byte: one row for each record that published anything.
CREATE TABLE stream_log (
    partition int4  NOT NULL,
    role      text  NOT NULL,
    position  int8  NOT NULL,
    frame     bytea NOT NULL,
    PRIMARY KEY (partition, role, position)
);

CREATE TABLE payments (
    partition  int4  NOT NULL,
    id         uuid  NOT NULL,
    tenant     text  NOT NULL,
    customer   text  NOT NULL,
    status     text  NOT NULL,
    version    int8  NOT NULL, -- position of the last record that changed it
    positions  int8[] NOT NULL, -- of every record that changed it, ascending
    state      bytea NOT NULL,
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);
CREATE INDEX payments_by_tenant ON payments (tenant, id);

-- The commands and webhook facts that were folded, for deduplication over the horizon.
CREATE TABLE applied_inputs (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    position  int8 NOT NULL,
    PRIMARY KEY (partition, id)
);

-- At most one timer for each payment.
CREATE TABLE timers (
    partition  int4        NOT NULL,
    payment    uuid        NOT NULL,
    due        timestamptz NOT NULL,
    kind       text        NOT NULL,
    generation int8        NOT NULL,
    tenant     text        NOT NULL,
    customer   text        NOT NULL,
    PRIMARY KEY (partition, payment)
) WITH (fillfactor = 50);
CREATE INDEX timers_by_due ON timers (partition, due);

-- Balances: the sum of an account's postings (debits positive). A system account has a row in each partition.
-- L4: a guarded account, credit-normal, never goes below zero on its normal side.
CREATE TABLE accounts (
    partition int4   NOT NULL,
    id        uuid   NOT NULL,
    tenant    text   NOT NULL,
    code      text   NOT NULL,
    owner     text   NOT NULL,
    currency  text   NOT NULL,
    guarded   bool   NOT NULL,
    balance   int8   NOT NULL,
    PRIMARY KEY (partition, id),
    CONSTRAINT accounts_floor CHECK (NOT guarded OR balance <= 0)
) WITH (fillfactor = 50);

-- Entries are never updated or deleted (L2). accounts[i] is posted amounts[i].
CREATE TABLE entries (
    partition int4        NOT NULL,
    position  int8        NOT NULL,
    ordinal   int2        NOT NULL, -- among the entries of one record
    booked_at timestamptz NOT NULL, -- timestamp of the inbox record
    payment   uuid,
    template  text        NOT NULL,
    accounts  uuid[]      NOT NULL,
    amounts   int8[]      NOT NULL,
    PRIMARY KEY (partition, position, ordinal)
);

-- Idempotency keys of the HTTP API. status 0: the first request is still being answered.
CREATE TABLE idempotency_keys (
    tenant      text        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL, -- of the request's business parameters
    command_id  uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    status      int4        NOT NULL,
    body        bytea,
    PRIMARY KEY (tenant, key)
);

-- +goose Down
DROP TABLE idempotency_keys, entries, accounts, timers, applied_inputs, payments, stream_log, stream_positions;
