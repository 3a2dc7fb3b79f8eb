-- +goose Up
-- What responsible-gaming limits know of a customer: the limits of their own, and what was deposited, lost and played on each
-- of the last days. Only customers who have limits, or whose brand has, have a row. The key is that of wallets.
CREATE TABLE customer_limits (
    partition int4 NOT NULL,
    id        uuid NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    state     text NOT NULL, -- processors/payments/gaming, State, in JSON
    before    int8 NOT NULL, -- the version before this one
    version   int8 NOT NULL, -- position of the last record that changed it
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE customer_limits;
