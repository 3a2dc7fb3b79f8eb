-- +goose Up
-- The accounting periods that are closed in each partition.
CREATE TABLE closed_periods (
    partition int4 NOT NULL,
    tenant    text NOT NULL,
    month     text NOT NULL, -- 2026-10; with all months before it
    position  int8 NOT NULL, -- of the record that closed it
    PRIMARY KEY (partition, tenant, month)
);

-- +goose Down
DROP TABLE closed_periods;
