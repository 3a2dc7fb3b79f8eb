-- +goose Up
-- Payouts: money that goes from a wallet to its customer. The key is the UUID of the payout's id.
CREATE TABLE payouts (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    currency  text NOT NULL,
    status    text NOT NULL,
    reserved  int8 NOT NULL, -- what of it is on the customer's hold account, minor units
    version   int8 NOT NULL, -- position of the last record that changed it
    positions int8[] NOT NULL, -- of every record that changed it, ascending
    state     text NOT NULL, -- processors/payments/payouts, Payout, in JSON
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

-- The cards that a customer deposited with: what each brought and what was paid out to it. The key is that of wallets.
CREATE TABLE deposit_sources (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    state     text NOT NULL, -- processors/payments/payouts, Sources, in JSON
    before    int8 NOT NULL, -- the version before this one
    version   int8 NOT NULL, -- position of the last record that changed it
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

-- How far a partition's payments of the time before there were payouts are counted in deposit_sources.
CREATE TABLE deposit_sources_built (
    partition int4 PRIMARY KEY,
    place     uuid NOT NULL, -- the last payment that is counted
    done      boolean NOT NULL
);

-- +goose Down
DROP TABLE deposit_sources_built;
DROP TABLE deposit_sources;
DROP TABLE payouts;
