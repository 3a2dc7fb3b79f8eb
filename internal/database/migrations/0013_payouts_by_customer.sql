-- +goose Up
-- A customer's payouts are listed; their number is small.
CREATE INDEX payouts_by_customer ON payouts (partition, customer, tenant);

-- +goose Down
DROP INDEX payouts_by_customer;
