-- +goose Up
-- The mandates of a customer: each row is a payment that set one up, by the UUID of its id. What became of the mandate stands
-- in the payment's state.
CREATE TABLE mandates (
    partition int4 NOT NULL,
    tenant    text NOT NULL,
    customer  text NOT NULL,
    payment   uuid NOT NULL,
    PRIMARY KEY (partition, tenant, customer, payment)
);

-- +goose Down
DROP TABLE mandates;
