-- +goose Up
-- A payment has the id of the command that opened it. Command ids are remembered by partition; this keeps a create command
-- that is repeated for another customer, and so comes to another partition, from opening a second payment.
CREATE UNIQUE INDEX payments_by_command ON payments (tenant, id);
DROP INDEX payments_by_tenant;

-- +goose Down
CREATE INDEX payments_by_tenant ON payments (tenant, id);
DROP INDEX payments_by_command;
