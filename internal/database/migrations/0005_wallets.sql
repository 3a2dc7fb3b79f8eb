-- +goose Up
-- What balances cannot tell of customers' wallets. The keys are hashes (processors/payments/wallets, Key and KeyOf).

CREATE TABLE wallets (
    partition  int4   NOT NULL,
    id         uuid   NOT NULL,
    tenant     text   NOT NULL,
    customer   text   NOT NULL,
    currencies text   NOT NULL, -- in which it was opened, with spaces between, in the order of their codes
    closed     int8,            -- position of the record that closed it; NULL: open
    version    int8   NOT NULL, -- position of the last record that changed the row
    positions  int8[] NOT NULL, -- of every record that did, ascending
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 90);

CREATE TABLE holds (
    partition  int4   NOT NULL,
    id         uuid   NOT NULL,
    hold       uuid   NOT NULL, -- command id of the hold command
    tenant     text   NOT NULL,
    customer   text   NOT NULL,
    region     text   NOT NULL,
    currency   text   NOT NULL,
    amount     int8   NOT NULL, -- minor units, as are the next two
    captured   int8   NOT NULL,
    released   int8   NOT NULL,
    expires_at timestamptz,     -- NULL: never
    version    int8   NOT NULL, -- position of the last record that changed it
    positions  int8[] NOT NULL, -- of every record that changed it, ascending
    PRIMARY KEY (partition, id),
    CONSTRAINT holds_left CHECK (captured >= 0 AND released >= 0 AND captured + released <= amount)
) WITH (fillfactor = 50);

CREATE TABLE rounds (
    partition   int4   NOT NULL,
    id          uuid   NOT NULL,
    tenant      text   NOT NULL,
    customer    text   NOT NULL,
    round       text   NOT NULL,
    currency    text   NOT NULL, -- '' where it was rolled back before anything of it was known
    net         int8   NOT NULL, -- debits less credits, minor units
    rolled_back bool   NOT NULL,
    version     int8   NOT NULL,
    positions   int8[] NOT NULL,
    PRIMARY KEY (partition, id)
) WITH (fillfactor = 50);

-- The wallets of customers whom payments have credited before. SHA-256 is a text of hex digits on CockroachDB and bytes,
-- spelled with \x before the digits, on PostgreSQL.
INSERT INTO wallets (partition, id, tenant, customer, currencies, version, positions)
SELECT partition,
    left(right(sha256(convert_to(tenant, 'UTF8') || '\x00'::bytea || convert_to(owner, 'UTF8'))::text, 64), 32)::uuid,
    tenant, owner, string_agg(currency, ' ' ORDER BY currency), 0, '{}'
FROM (SELECT DISTINCT partition, tenant, owner, currency FROM accounts WHERE code IN ('customer_wallet', 'customer_debt')) AS known
GROUP BY partition, tenant, owner;

-- +goose Down
DROP TABLE rounds, holds, wallets;
DELETE FROM timers WHERE kind = 'hold_expire';
