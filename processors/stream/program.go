package stream

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/topics"
)

// Program is what a Fold runs: it opens the state of one partition at a time.
type Program interface {
	// Open loads the state of a partition from the database. It is called after the previous owner was fenced and the
	// applied position was read, so what it reads cannot change under it. It is called again after every error:
	// nothing of the former State is used.
	Open(ctx context.Context, partition int32, next int64) (State, error)
}

// State is one partition's fold. Its methods are called from one goroutine, never concurrently.
//
// For each batch the runtime calls Load once, Apply for each record in order, then Write once. When the transaction's
// outcome is anything but a certain commit the State is closed and a new one opened, so Apply may change memory freely.
type State interface {
	// Load reads from the database what the records need and memory does not hold. It runs before the transaction:
	// reads inside it would make it fail with serialization errors. A record that does not decode is not an error here.
	Load(ctx context.Context, records []Record) error

	// Apply folds one record and returns what it publishes, in order. It does no I/O, reads no clock (Record.Time is
	// now) and is deterministic. A panic is a bug: the record is dead-lettered with the stack.
	Apply(record Record) []Output

	// Refuse folds a record that cannot be applied: it does not decode, the database refuses it, or Apply panics on
	// it. It returns what to publish besides the dead letter, which the runtime writes itself.
	Refuse(record Record, reason DeadLetter) []Output

	// Write queues the statements that store what the batch changed. Only INSERT … ON CONFLICT and DELETE by key.
	Write(batch *pgx.Batch)

	// Written tells that the batch is committed for certain.
	Written()

	// Close gives the State up.
	Close()
}

// Record is one record of the input topic. Position is base + offset: the only sequence number there is.
type Record struct {
	Partition int32
	Position  int64
	Time      time.Time // of the record: LogAppendTime where the broker sets it
	Key       []byte
	Value     []byte
	Headers   []topics.Header
}

// Output is a record to publish in the partition of the record that caused it. Its id is (partition, position, index),
// where index counts the outputs of one record within one topic.
type Output struct {
	Topic    string
	Key      []byte
	Value    []byte
	Envelope topics.Envelope // ID, Source and Time are set by the runtime
}

// DeadLetter says why a record was put aside.
type DeadLetter struct {
	Reason topics.RefusalCode // undecodable or poison
	Detail string             // for people: the decoding error, the SQLSTATE and message, or the panic and its stack
}
