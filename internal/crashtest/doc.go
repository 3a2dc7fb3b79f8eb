// Package crashtest holds tests of the whole engine under faults: killed, doubled, frozen, and with its broker and
// database cut off, restarted or silent. Real traffic runs all the while, from a Kafka producer and from HTTP clients.
//
// Whatever happened, at the end of every test
//
//   - each payment came to the end that its story has, and each acknowledged command has exactly one effect, at the PSP too;
//   - a consumer with read_committed has seen what the event log holds, each record once and in order;
//   - the balances rebuilt from ledger.entries.v1 alone are those of the database;
//   - an HTTP request that is repeated is answered as at first;
//   - fsck finds nothing.
//
// WEIR_TEST_CRASH_ROUNDS multiplies the kills, and WEIR_TEST_CRASH_SEED chooses other payments and moments.
package crashtest
