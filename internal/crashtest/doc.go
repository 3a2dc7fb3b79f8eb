// Package crashtest holds tests of the whole engine under faults: killed, doubled, frozen, and with its broker and
// database cut off, restarted or silent. Real traffic runs all the while, from a Kafka producer and from HTTP clients: payments
// through their lives, and visits of the same customers to their wallets, while a month is closed.
//
// Whatever happened, at the end of every test
//
//   - each payment came to the end that its story has, and each acknowledged command has exactly one effect, at the PSP too;
//   - each acknowledged wallet command became what its visit says, once, each hold that was left ran out once, and each
//     customer has what payments and visits add up to, by the API and by the entries;
//   - a consumer with read_committed has seen what the event log holds, each record once and in order;
//   - the balances rebuilt from ledger.entries.v1 alone are those of the database, and the lines of statements are theirs;
//   - the ledger's chain verifies, with the checkpoints that were signed on the way;
//   - an HTTP request that is repeated is answered as at first;
//   - fsck finds nothing.
//
// What velocity counts has tests of its own, with processes that do nothing else: whoever is killed, five of a thousand
// attempts pass where five may, and every answer is that of one fold over the same signals.
//
// Another kind of traffic knows no story (storm_test.go): actors ask for what comes to their mind of payments and payouts at three
// PSPs, which do to calls, answers and webhooks all that goes wrong with PSPs (misbehaving_test.go), while routes cascade, PSPs are
// switched off and on, and processes are killed. At the end an audit (audit_test.go) compares, for each payment and payout, the
// books of the PSPs, the events, the entries and the API: nothing was done twice, and nothing is unknown. It lasts as long as
// WEIR_TEST_CHAOS_FOR says (10m), 20 seconds without it.
//
// WEIR_TEST_CRASH_ROUNDS multiplies the kills, and WEIR_TEST_CRASH_SEED chooses other payments and moments.
package crashtest
