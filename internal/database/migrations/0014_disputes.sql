-- +goose Up
-- Disputes of payments. The key is the UUID of the dispute's id.
CREATE TABLE disputes (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    payment   uuid NOT NULL, -- of the same partition
    currency  text NOT NULL,
    status    text NOT NULL,
    taken     int8 NOT NULL, -- withdrawn less reinstated, minor units
    due       timestamptz, -- until when evidence is wanted
    opened    timestamptz NOT NULL,
    version   int8 NOT NULL, -- position of the last record that changed it
    positions int8[] NOT NULL, -- of every record that changed it, ascending
    state     text NOT NULL, -- processors/payments/disputes, Dispute, in JSON
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);
-- Those of a payment, and those of a tenant, newest first.
CREATE INDEX disputes_by_payment ON disputes (partition, payment);
CREATE INDEX disputes_by_tenant ON disputes (tenant, opened, id);

-- +goose Down
DROP TABLE disputes;
