-- +goose Up
-- Requests to PSPs without idempotency keys, claimed before anything is sent. A row without a report is polled, never
-- sent again.
CREATE TABLE psp_attempts (
    partition  int4        NOT NULL,
    request    text        NOT NULL, -- request id: partition-position-index
    psp        text        NOT NULL,
    claimed_at timestamptz NOT NULL,
    report     bytea, -- what it ended with
    PRIMARY KEY (partition, request)
);

-- +goose Down
DROP TABLE psp_attempts;
