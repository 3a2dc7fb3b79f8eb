-- +goose Up
-- Entries are found by their place, which is position and ordinal in one number. PostgreSQL fills the pages of an index that
-- grows in many places, one for each partition, only where its keys are no wider than 16 bytes: with three columns each page
-- was left half empty, and the key of an entry took 67 bytes instead of 31. The table is made anew for it, with the columns
-- of fixed length first.
CREATE TABLE placed_entries (
    position  int8        NOT NULL,
    place     int8        GENERATED ALWAYS AS (position * 65536 + ordinal) STORED,
    booked_at timestamptz NOT NULL, -- timestamp of the inbox record
    link      int8,                 -- first 8 bytes of the chain's hash; NULL: stored before there was a chain
    effective timestamptz,          -- NULL: booked_at
    partition int4        NOT NULL,
    ordinal   int2        NOT NULL, -- among the entries of one record
    payment   uuid,
    template  text        NOT NULL,
    reference text,                 -- a game round, a hold, a payout
    accounts  uuid[]      NOT NULL, -- accounts[i] is posted amounts[i]
    amounts   int8[]      NOT NULL, -- minor units, debits positive
    PRIMARY KEY (partition, place)
);
INSERT INTO placed_entries (position, booked_at, link, effective, partition, ordinal, payment, template, reference, accounts, amounts)
SELECT position, booked_at, link, effective, partition, ordinal, payment, template, reference, accounts, amounts FROM entries
ORDER BY partition, position, ordinal;
DROP TABLE entries;
ALTER TABLE placed_entries RENAME TO entries;

-- +goose Down
CREATE TABLE chained_entries (
    position  int8        NOT NULL,
    booked_at timestamptz NOT NULL,
    link      int8,
    effective timestamptz,
    partition int4        NOT NULL,
    ordinal   int2        NOT NULL,
    payment   uuid,
    template  text        NOT NULL,
    reference text,
    accounts  uuid[]      NOT NULL,
    amounts   int8[]      NOT NULL,
    PRIMARY KEY (partition, position, ordinal)
);
INSERT INTO chained_entries (position, booked_at, link, effective, partition, ordinal, payment, template, reference, accounts, amounts)
SELECT position, booked_at, link, effective, partition, ordinal, payment, template, reference, accounts, amounts FROM entries
ORDER BY partition, place;
DROP TABLE entries;
ALTER TABLE chained_entries RENAME TO entries;
