-- +goose Up
-- Who customers are: the record of each, with its personal fields encrypted. The key is that of wallets.
CREATE TABLE customers (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    version   int8 NOT NULL, -- position of the last record that changed it
    positions int8[] NOT NULL, -- of every record that changed it, ascending
    state     text NOT NULL, -- topics.CustomerRecord, in JSON
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

CREATE INDEX customers_by_tenant ON customers (tenant, customer);

-- The data key of a customer, encrypted by a master key: there is no other copy. It is put here before the first record that is
-- encrypted by it is written, and deleted by the fold, in the transaction that erases the record.
CREATE TABLE customer_keys (
    partition  int4 NOT NULL,
    id         uuid NOT NULL, -- of the customer
    tenant     text NOT NULL,
    customer   text NOT NULL,
    key_id     uuid NOT NULL,
    master     text NOT NULL, -- id of the master key
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (partition, id)
);

-- +goose Down
DROP TABLE customer_keys;
DROP TABLE customers;
