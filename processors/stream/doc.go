// Package stream is the runtime under the roles: it owns partitions, applies records exactly once, publishes what comes of
// them, and repairs whatever a crash, a lost answer or a second owner leaves behind.
//
// # Fold
//
// A Fold applies one topic, its input, to the database and publishes outputs to other topics. What is applied is the
// business of a Program, which opens a State for each partition; see program.go. Each record of the input is identified by
// its position, which is base + offset and the only sequence number there is; each output by (partition, position, index).
//
// Two positions say everything about a partition. M, in the table stream_positions, is the first one that is not applied.
// N, in the last record of the role in weir.positions.v1, is the first one whose outputs are not published. N ≤ M, and what
// lies between them is in the table stream_log, byte for byte.
//
// A session (session.go) is the ownership of one partition, from O1 to its first error:
//
//	O1  own       claim.go   InitProducerId fences the owner before and aborts what it left open. A barrier record is
//	                         committed and N is read up to it; then M; then both are judged (verify.go); then the
//	                         State is opened. In this order.
//	O2  catch up  log.go     the outputs of [N, M) are read from stream_log and published by O4.
//	O3  apply     apply.go   records are fetched from exactly M on, dense (intake.go), folded in memory, and stored in
//	                         one transaction whose first statement moves M or fails (fence.go). Partitions of a process
//	                         with few records share a transaction (turn.go), each behind a fence of its own.
//	O4  publish   publish.go outputs are produced at once, and committed together with N about every 100 ms.
//	O5  read                 readers with read_committed see each output once. Readers with read_uncommitted see it at
//	                         once and drop repeats with a HighWater.
//
// The invariants, by the names under which the tests refer to them:
//
//	S1  Nothing is published that is not committed in the database before.
//	S2  M moves only from the value that the owner has read (the fence), so two owners never both apply a position.
//	S3  N moves only in the transaction that commits the outputs before it, and that transaction is fenced by the
//	    producer's epoch, so outputs are committed once.
//	S4  After an error whose outcome is not certain nothing in memory is used again: the session ends and O1 reads what
//	    became of it. That is the recovery of a crash, too; there is no other.
//	S5  A record that cannot be applied is put aside in its place of the order, and nothing else of its batch is lost.
//	S6  What O1 cannot explain stops the partition (stop.go); nothing is reset, skipped or guessed.
//
// What a crash leaves at each durability point stands at the point, in apply.go and publish.go; hook.go names them.
//
// Sharing changes none of them. A shared transaction that fails is not stored at all, and each batch of it is stored by
// itself: a stale fence, a lost row or data that the database refuses is the error of one partition alone. Where the outcome
// of its COMMIT is not known, all its partitions go back to O1.
//
// # Records that cannot be applied
//
// Apply says that a record is not one, or panics on it, or an output is too large: it is known which record it is. When the
// database refuses a batch (SQLSTATE class 22 or 23, the fence excepted) it is not, and the batch is tried again in halves
// until it is (suspect.go). The record is then given to State.Refuse in place of Apply, and a dead letter is published with
// the outputs of Refuse, in the same transactions as everything else. Errors of any other class are tried again and put
// nothing aside.
//
// # Table
//
// A Table folds one topic into a state in memory, which a compacted topic keeps, its changelog, and replies to each record at
// once. What is kept is the business of a TableProgram; see table.go. A session owns a partition as a Fold's does, with the
// changelog in the place of the database:
//
//	own      table_claim.go  InitProducerId fences the owner before. A barrier record is committed to the changelog, which
//	                         is read up to it, committed records alone: the state, and the offset up to which it was applied.
//	apply    table.go        records are folded from exactly that offset on, which table_inlet.go reads for all partitions of
//	                         the process; replies go out through a producer without transactions and wait for nothing.
//	flush    table_flush.go  what has changed and the offset are committed in one Kafka transaction each second, when the
//	                         replies up to it are acknowledged.
//
// After a crash the records since the last flush are applied again to the state of that flush. A fold is a function of the
// order of its input alone, so they give the same replies, byte for byte, whoever gives them: two owners that both believe to
// be the one repeat each other and contradict each other in nothing, and only one of them can flush.
//
// # Ownership
//
// owner.go takes part in a consumer group to learn which partitions to hold, and fetches nothing through it. Correctness
// never rests on the group: two processes that both believe to own a partition fence each other, and lose time, not records.
// Group offsets are committed for lag tools and never read back.
//
// # Transform
//
// A Transform maps records to messages without state: at least once, in the order of each input partition, in partitions
// that the function chooses. It commits an offset when everything before it is acknowledged by all replicas (Prefix).
// Where records wait for answers from elsewhere, a Pipeline lets many of a partition wait at once; their messages are
// produced in the order of the records nevertheless.
//
// # Recovery
//
// Recovery repairs what a StopError names, by the commands under "weir recover" (recover.go, import.go):
//
//	position_missing   republish   say up to where outputs are published
//	database_behind    import      store what was published since the time the database was restored to
//	topic_changed, input_lost, input_truncated, hash_mismatch
//	                   adopt       accept the input as it is, from an offset on
//	future_format                  start the newer version
//	poison                         a dead letter that cannot be stored: repair what the error names
package stream
