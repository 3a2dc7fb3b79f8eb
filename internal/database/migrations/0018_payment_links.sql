-- +goose Up
-- Payment links: what a payer is asked to pay, and how many payments may. The key is the UUID of the link's id.
CREATE TABLE payment_links (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    status    text NOT NULL,
    version   int8 NOT NULL, -- position of the last record that changed it
    positions int8[] NOT NULL, -- of every record that changed it, ascending
    state     text NOT NULL, -- processors/payments/links, Link, in JSON
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

CREATE INDEX payment_links_by_customer ON payment_links (partition, tenant, customer);

-- +goose Down
DROP TABLE payment_links;
