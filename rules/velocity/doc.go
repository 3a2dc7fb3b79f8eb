// Package velocity answers what happened before: how often, for how much, with how many different cards. It is pure: the
// state of a partition is a fold of its input, without a clock, a topic or a file.
//
// # What is asked and answered
//
// A rule file declares definitions (Definition). A Plan turns an event into signals: one record for each partition that
// owns some of the event's dimension values, with everything that is asked about them (Signal, Query). State folds the
// signals of one partition and answers each with a Reply, whose answers carry the ids of the queries; Plan.Fill puts
// them where they belong. An id is a hash of the definition, so an answer to an earlier rule set is never taken for one
// to the present.
//
// An event counts everything that arrived before it under the same key and whose time lies in the window: not earlier
// than its own time less the window. Times are clamped to [record time − skew, record time]: a backdated event cannot leave
// its window, a future one cannot hide. A command never counts itself, and one that the producer sent twice is recorded
// once. A record time is not before four of the last sixteen, so that a slow clock lets no attempt slip out
// of its windows; and old events are dropped by the time that all sixteen have (clock.go), so that a record whose time lies
// far ahead harms no count but of its own keys, under which it counts until that time has passed.
//
// # What is kept
//
// Each key has one list of events in arrival order, which answers every window and aggregate (question.go). Above 256
// events the older half is summed up (summary.go): buckets, each of one kind and at most 1/64 of its age wide, and of
// each distinct value the latest time. A window that cuts a bucket counts all of it and says approximate.
// Signals bring 128 bits of a hash of a distinct value; 64 bits are kept of what they give under the state's secret
// (hash.go), which stands in the changelog: whoever chooses values cannot make two be taken for one.
// Open reservations are not summed up: their outcome finds them.
//
// Lists lie in pages without pointers (slab.go) and are found by an index without pointers (table.go). What is past every
// window goes when its key is next used, or by a sweep that looks at four keys with each signal.
//
// # Since when
//
// The registry knows since when each dimension, kind, currency and distinct field has been recorded. A Plan's Retain
// declares them; it must reach every partition before the plan's first signal, and repeating it changes nothing. What it
// leaves out is ended, and counts as new when it comes back. An answer that reaches back before the beginning says until
// when it is warming. A definition on what is recorded already is right at once. While some processes still have the rule
// set before, what they do not send is not recorded: for the seconds of a reload a beginning is told too early.
//
// What is not recorded has no answer (Answer.Unknown), never a zero: a rule's on_missing decides. So it is where the
// processes of a tenant have different sets: the one that took its set into force last says what is recorded
// (Retain.Version), and what only the others ask is unknown until they have that set. A clock that is fast does not shut
// out the others, as no version lies after the record that brings it; a process whose clock is slow is not heard until
// its version is the latest, which is safe. And so it is above maxRecorded dimensions in a partition, of all tenants together:
// whoever may name tenants takes bounded memory and time, and the partition can always be restored.
//
// # What becomes of attempts
//
// An event of a payment names the payment and nothing that is counted by. A Case (later.go) keeps what an attempt was counted
// under until an Outcome comes, and Cases (cases.go), a fold of its own, turns that into signals of RoleOutcomes, each once.
// What a customer event says of a payment, such as a dispute, comes as a CaseEvent (caseevent.go). It also makes signals of
// its own, for the customer or device that it names; both carry the event's id, and a key that gets both counts it once.
//
// # Frames
//
// Records are frames of bytes: the format (2), a letter for the type, and the fields in the order in which Append writes
// them. Numbers are varints, signed ones zigzag; hashes are 8 bytes little-endian, those of values, keys and ids 16 bytes; a
// text and a list come after their length.
//
//	s  signal   origin (role, partition, offset), command, tenant, time, kind, flags, dimensions (signalframe.go)
//	p  retain   tenant, version, dimensions (signalframe.go)
//	r  reply    origin, command, flags, answers: id, flags, value, warming until where the flag says so (replyframe.go)
//	c  case     payment, amount, targets: partition, signal (later.go)
//	o  outcome  payment, position, index, kind, flags, time, amount (later.go)
//	b  batch    signals or replies, each after its length: what one record holds of many commands (batch.go)
//	e  event    of a case: payment, tenant, command, kind, time, amounts (caseevent.go)
//
// A format above one's own is ErrFutureFormat: the partition is given up. Anything else that does not fit is a FrameError.
//
// # Invariants
//
//	V1  An answer that is not approximate is that of a look at all events that arrived, one by one.
//	V2  An approximate answer is never too low, and too high by at most one bucket at the far end of the window.
//	V3  A signal is counted once, however often it comes, and gets the same bytes each time; where the reply cache has
//	    forgotten them, the reply says that it is lost.
//	V4  A state restored from its changelog gives the same bytes from then on as one that was never stopped.
//
// V2 has two limits. A key tells 2,048 different values apart in each slot; one that comes again after it was pushed
// out is counted again. It keeps 2,048 open reservations; an older one counts until its window has passed, whatever its
// outcome, as does one whose outcome overtook it.
//
// What its producer sends twice, at two offsets, is told by its command among the latest events of a key, 128 at least: on
// a key with more of them in between it counts twice.
package velocity
