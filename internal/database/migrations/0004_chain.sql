-- +goose Up
-- The hash chain over the entries of each partition (L5), and what an entry says besides: when it took effect, and what it
-- refers to. The table is made anew with the columns of fixed length first: with them at its end a row of two postings
-- would take 16 bytes more, and PostgreSQL orders columns only when it makes a table.
CREATE TABLE chained_entries (
    position  int8        NOT NULL,
    booked_at timestamptz NOT NULL, -- timestamp of the inbox record
    link      int8,                 -- first 8 bytes of the chain's hash; NULL: stored before there was a chain
    effective timestamptz,          -- NULL: booked_at
    partition int4        NOT NULL,
    ordinal   int2        NOT NULL, -- among the entries of one record
    payment   uuid,
    template  text        NOT NULL,
    reference text,                 -- a game round, a hold, a payout
    accounts  uuid[]      NOT NULL,
    amounts   int8[]      NOT NULL,
    PRIMARY KEY (partition, position, ordinal)
);
INSERT INTO chained_entries (position, booked_at, partition, ordinal, payment, template, accounts, amounts)
SELECT position, booked_at, partition, ordinal, payment, template, accounts, amounts FROM entries
ORDER BY partition, position, ordinal;
DROP TABLE entries;
ALTER TABLE chained_entries RENAME TO entries;

-- The head of each partition's chain: its last entry, how many there are, and the whole hash.
CREATE TABLE ledger_chain (
    partition int4  NOT NULL,
    ordinal   int2  NOT NULL,
    position  int8  NOT NULL,
    entries   int8  NOT NULL,
    head      bytea NOT NULL,
    PRIMARY KEY (partition)
) WITH (fillfactor = 45);

-- +goose Down
DROP TABLE ledger_chain;
ALTER TABLE entries DROP COLUMN link;
ALTER TABLE entries DROP COLUMN effective;
ALTER TABLE entries DROP COLUMN reference;
