-- +goose Up
-- What PSPs call our payments: for webhooks that do not name ours. A reference has one payment; should a PSP give it twice,
-- both are here, and nothing is guessed.
CREATE TABLE psp_references (
    partition int4 NOT NULL,
    psp       text NOT NULL,
    reference text NOT NULL,
    payment   uuid NOT NULL,
    tenant    text NOT NULL,
    position  int8 NOT NULL, -- of the record by which it was learnt
    PRIMARY KEY (partition, psp, reference, payment)
);

-- Webhooks of payments that are not known yet. The partition is that of psp.webhooks.v1.
CREATE TABLE parked_webhooks (
    partition int4        NOT NULL,
    id        uuid        NOT NULL, -- a hash of the record
    psp       text        NOT NULL,
    parked_at timestamptz NOT NULL,
    due       timestamptz NOT NULL, -- when it is tried again
    attempts  int4        NOT NULL,
    letter    bytea       NOT NULL, -- the dead letter that it becomes should nobody ever know the payment: it holds the record
    PRIMARY KEY (partition, id)
);
CREATE INDEX parked_webhooks_by_due ON parked_webhooks (partition, due);

-- +goose Down
DROP TABLE parked_webhooks, psp_references;
