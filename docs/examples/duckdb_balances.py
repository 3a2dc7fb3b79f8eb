"""Loads ledger.entries.v1 into DuckDB and prints the trial balance.

    docs/examples/python docs/examples/duckdb_balances.py BROKERS FILE

BROKERS is host:port, separated by commas. FILE is the DuckDB database; run again with the same file, only what is new in
the topic is read. Each record is loaded once, whenever this program is killed: rows and offsets go into one transaction.
"""

import sys

import duckdb
from confluent_kafka import Consumer, KafkaError, TopicPartition

TOPIC = "ledger.entries.v1"
BATCH = 10_000  # records in one DuckDB transaction, at most

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    entry_id     VARCHAR PRIMARY KEY,       -- unique for ever: a record that came twice would stop the load
    template     VARCHAR NOT NULL,
    tenant       VARCHAR NOT NULL,
    customer_id  VARCHAR,
    payment_id   VARCHAR,
    reference    VARCHAR,
    booked_at    TIMESTAMPTZ NOT NULL,
    effective_at TIMESTAMPTZ NOT NULL,      -- booked_at where the record names none
    period       VARCHAR NOT NULL           -- 2026-11: the month that it counts in
);
CREATE TABLE IF NOT EXISTS postings (
    entry_id   VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    code       VARCHAR NOT NULL,
    owner      VARCHAR,                     -- none of a system account
    currency   VARCHAR NOT NULL,
    amount     BIGINT  NOT NULL             -- minor units, debits positive
);
CREATE TABLE IF NOT EXISTS progress (partition INTEGER PRIMARY KEY, next_offset BIGINT NOT NULL);
"""

# DuckDB takes the records apart itself; integers stay integers.
LOAD_ENTRIES = """
INSERT INTO entries
SELECT r->>'entry_id', r->>'template', r->>'tenant', r->>'customer_id', r->>'payment_id', r->>'reference',
    CAST(r->>'booked_at' AS TIMESTAMPTZ), CAST(COALESCE(r->>'effective_at', r->>'booked_at') AS TIMESTAMPTZ),
    COALESCE(r->>'period', left(COALESCE(r->>'effective_at', r->>'booked_at'), 7))
FROM (SELECT CAST(unnest($1) AS JSON) AS r)
"""
LOAD_POSTINGS = """
INSERT INTO postings
SELECT entry_id, p.account_id, p.code, p.owner, p.currency, p.amount
FROM (SELECT r->>'entry_id' AS entry_id, unnest(from_json(r->'postings',
        '[{"account_id":"VARCHAR","code":"VARCHAR","owner":"VARCHAR","currency":"VARCHAR","amount":"BIGINT"}]')) AS p
    FROM (SELECT CAST(unnest($1) AS JSON) AS r))
"""
UNBALANCED = """
SELECT entry_id, currency, sum(amount) FROM postings GROUP BY ALL HAVING sum(amount) <> 0 LIMIT 10
"""
TRIAL_BALANCE = """
SELECT tenant, code, currency, CAST(sum(amount) AS HUGEINT) FROM postings JOIN entries USING (entry_id)
GROUP BY ALL ORDER BY ALL
"""


def load(brokers, database):
    """Reads each partition from where the database stands to its committed end."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "duckdb-balances", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "auto.offset.reset": "error", "enable.partition.eof": True})
    topic = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC]
    if topic.error:
        raise SystemExit(topic.error)
    stored = dict(database.execute("SELECT partition, next_offset FROM progress").fetchall())
    unread = set(topic.partitions)
    consumer.assign([TopicPartition(TOPIC, p, stored.get(p, 0)) for p in unread])
    while unread:
        values, ends = [], {}
        for message in consumer.consume(BATCH, timeout=1):
            if not message.error():
                values.append(message.value().decode())
                ends[message.partition()] = message.offset() + 1
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise SystemExit(message.error())
        if values:
            store(database, values, ends)
    consumer.close()


def store(database, values, ends):
    database.begin()
    database.execute(LOAD_ENTRIES, [values])
    database.execute(LOAD_POSTINGS, [values])
    database.executemany("INSERT OR REPLACE INTO progress VALUES (?, ?)", list(ends.items()))
    database.commit()


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    database = duckdb.connect(sys.argv[2])
    database.execute(SCHEMA)
    load(sys.argv[1], database)
    if unbalanced := database.execute(UNBALANCED).fetchall():
        raise SystemExit(f"entries that do not sum to zero: {unbalanced}")
    heading = None
    for tenant, code, currency, minor in database.execute(TRIAL_BALANCE).fetchall():
        if tenant != heading:
            print(f"tenant {tenant}")
            heading = tenant
        print(f"{code:24} {currency} {minor:>16}")


main()
