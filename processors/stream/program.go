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
	// An error that wraps ErrFutureFormat, here or from Open, stops the partition: a newer release wrote what was read.
	Load(ctx context.Context, records []Record) error

	// Apply folds one record and returns what it publishes, in order. It does no I/O, reads no clock (Record.Time is
	// now) and is deterministic. A record that is not one (it does not decode) is answered by a DeadLetter with nothing
	// changed; Refuse is then called for it. A panic is a bug: the record is dead-lettered with the stack.
	Apply(record Record) ([]Output, *DeadLetter)

	// Refuse folds a record that cannot be applied: Apply says so, the database refuses it, Apply panics on it, or one
	// of its outputs is too large. It returns what to publish besides the dead letter, which the runtime writes itself.
	// The dead letter is reason, or nil where the outputs refuse the record with all that there is to tell. Load may not
	// have seen the record. Where Refuse fails too, only the dead letter is written.
	Refuse(record Record, reason DeadLetter) ([]Output, *DeadLetter)

	// Write queues the statements that store what the batch changed. Only INSERT … ON CONFLICT and DELETE by key, and
	// no callbacks (Query, QueryRow, Exec of the queued query): the batch may be sent again after a serialization error.
	Write(batch *pgx.Batch)

	// Written tells that the batch is committed for certain.
	Written()

	// Close gives the State up.
	Close()
}

// Backgrounder is a State that has work of its own beside the fold, such as turning due timers into inbox records.
type Backgrounder interface {
	// Background runs in its own goroutine from the moment the State is open until the session ends (ctx is done).
	// It may not touch what the methods of State touch without a lock. An error before that ends the session.
	Background(ctx context.Context) error
}

// Restorer is a State that can be rebuilt from what was published, where a restored database is behind Kafka
// (weir recover import). For each batch LoadRestored is called once, Restore for each record in order, then Write and
// Written as in the fold. Nothing is decided again: published facts are taken as they are.
type Restorer interface {
	LoadRestored(ctx context.Context, records []Restored) error
	Restore(record Restored) error
}

// Restored is one record of the input topic as its published outputs tell of it.
type Restored struct {
	Partition int32
	Position  int64
	Time      time.Time
	Outputs   []Output // of all topics, in order within each topic; Envelope is complete
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
	// Constraint is the name of the database's constraint that the record violates, "" where it is none.
	Constraint string
}
