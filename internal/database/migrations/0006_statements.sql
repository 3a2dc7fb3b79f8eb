-- +goose Up
-- Statements: a projection of entries by account, which may lag, and may be dropped and rebuilt.

-- One line for each account and entry: the sum of the entry's postings on the account, and the account's balance in the
-- partition after it. "booked" is the latest booked_at of the partition's entries up to and including this one: it never
-- steps back, so that the order of time and the order of entries are one, and the key serves both.
CREATE TABLE statement_lines (
    booked    timestamptz NOT NULL,
    position  int8        NOT NULL, -- with ordinal: the entry
    amount    int8        NOT NULL, -- minor units, debits positive
    balance   int8        NOT NULL,
    account   uuid        NOT NULL,
    partition int4        NOT NULL,
    ordinal   int2        NOT NULL,
    PRIMARY KEY (partition, account, booked, position, ordinal)
);

-- How far the projection of each partition is, and its fence.
CREATE TABLE statement_positions (
    partition int4        NOT NULL PRIMARY KEY,
    next      int8        NOT NULL, -- the lines of every entry below this position are there
    published int8        NOT NULL, -- ledger.balances.v1 holds what entries below this position left
    booked    timestamptz NOT NULL, -- of the last entry below next
    rebuilds  int4        NOT NULL, -- how often it was begun anew
    clearing  bool        NOT NULL  -- begun anew, and lines of before are still to be deleted
) WITH (fillfactor = 45);

-- The holds of a customer of which something is left.
CREATE INDEX holds_open ON holds (partition, tenant, customer) WHERE captured + released < amount;

-- +goose Down
DROP INDEX holds_open;
DROP TABLE statement_positions, statement_lines;
