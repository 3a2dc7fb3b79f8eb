package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// batch is what one database transaction applies.
type batch struct {
	records   []Record
	next      int64   // position after the last record
	hash      []byte  // of the last record, empty where it is not known
	positions []int64 // rows of stream_log: the records that published anything
	frames    [][]byte
	outputs   []*kgo.Record
	bytes     int                  // of the outputs
	letters   []topics.RefusalCode // of the dead letters among the outputs
}

// apply is O3 for one batch: from the records in hand to a certain commit. Whatever it returns as an error, the State may
// have folded what is not stored, and the session must end.
func (s *session) apply(ctx context.Context, records []Record) (*batch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Limits.DatabaseTimeout)
	defer cancel()
	last := &records[len(records)-1]
	b := &batch{records: records, next: last.Position + 1, hash: hashOf(last)}
	err := s.fold(ctx, b)
	if err == nil {
		err = s.store(ctx, b)
	}
	var condemned *condemnedError
	switch {
	case err == nil:
		s.suspects.applied(b.next)
		return b, nil
	case errors.As(err, &condemned):
		s.suspects.condemn(condemned.position, condemned.reason)
	case blamesData(err):
		s.suspects.failed(records[0].Position, b.next, err)
	}
	return nil, err
}

// fold runs the records through the State and renders what they publish. Nothing leaves memory.
func (s *session) fold(ctx context.Context, b *batch) error {
	healthy := b.records
	if len(s.suspects.sentences) > 0 {
		healthy = nil
		for _, r := range b.records {
			if s.suspects.of(r.Position).sentence == sentenceApply {
				healthy = append(healthy, r)
			}
		}
	}
	if len(healthy) > 0 {
		if err := guard(func() error { return s.state.Load(ctx, healthy) }); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	for i := range b.records {
		outputs, err := s.outputsOf(b, &b.records[i])
		if err != nil {
			return err
		}
		if err := s.render(b, &b.records[i], outputs); err != nil {
			return err
		}
	}
	return nil
}

// outputsOf folds one record, dead letter included.
func (s *session) outputsOf(b *batch, r *Record) ([]Output, error) {
	verdict := s.suspects.of(r.Position)
	var outputs []Output
	var dead *DeadLetter
	switch verdict.sentence {
	case sentenceApply:
		err := guard(func() error { outputs, dead = s.state.Apply(*r); return nil })
		if err != nil {
			return nil, &condemnedError{r.Position, poison(err)}
		}
		if dead == nil {
			return outputs, nil
		}
	case sentenceRefuse, sentenceDrop:
		dead = &verdict.reason
	default:
		return nil, s.stop(StopPoison, fmt.Sprintf("the dead letter of record %d cannot be stored: %s", r.Position,
			verdict.reason.Detail), "repair what the detail names and restart")
	}
	outputs = nil
	if verdict.sentence != sentenceDrop {
		err := guard(func() error { outputs, dead = s.state.Refuse(*r, *dead); return nil })
		if err != nil {
			if verdict.sentence == sentenceApply { // Apply refused it: first note why, then that refusing failed
				s.suspects.condemn(r.Position, *dead)
			}
			return nil, &condemnedError{r.Position, poison(err)}
		}
	}
	if dead == nil {
		return outputs, nil
	}
	letter, err := s.deadLetter(r, *dead)
	if err != nil {
		return nil, err
	}
	b.letters = append(b.letters, dead.Reason)
	return append(outputs, letter), nil
}

func (s *session) deadLetter(r *Record, reason DeadLetter) (Output, error) {
	letter, value, err := deadLetterOf(s.config.Role, s.config.Input, r, r.Position-s.base, reason, s.config.Limits.RecordBytes)
	if err != nil {
		return Output{}, err
	}
	s.log.Warn("record put aside", "position", r.Position, "offset", letter.Offset, "reason", letter.Reason,
		"detail", letter.Detail)
	return Output{Topic: s.config.DeadLetters, Key: letter.Key, Value: value,
		Envelope: topics.Envelope{Type: topics.TypeDeadLetter}}, nil
}

// render turns one record's outputs into the row that is stored and the records that are published.
func (s *session) render(b *batch, r *Record, outputs []Output) error {
	if len(outputs) == 0 {
		return nil
	}
	identify(s.frames.source, r.Partition, r.Position, r.Time, outputs)
	for i := range outputs {
		out := outgoing(r.Partition, &outputs[i])
		size := recordSize(out)
		if size > s.config.Limits.RecordBytes {
			return &condemnedError{r.Position, DeadLetter{Reason: topics.RefusedPoison, Detail: fmt.Sprintf(
				"its output %d to %s has %d bytes, at most %d are published", i, out.Topic, size, s.config.Limits.RecordBytes)}}
		}
		b.outputs = append(b.outputs, out)
		b.bytes += size
	}
	frame, err := s.frames.Encode(r.Time, outputs)
	if err != nil {
		return &condemnedError{r.Position, poison(err)}
	}
	b.positions = append(b.positions, r.Position)
	b.frames = append(b.frames, frame)
	return nil
}

const insertLog = `
INSERT INTO stream_log (partition, role, position, frame)
SELECT $1, $2, l.position, l.frame FROM unnest($3::int8[], $4::bytea[]) AS l (position, frame)`

// store commits a batch: fence, log and the State's own statements in one transaction.
//
// A crash before COMMIT leaves nothing: the batch is applied again from the input. A crash after it leaves records applied
// and not published: O2 publishes them from stream_log. An answer that never came leaves either of the two, and O1 reads
// which.
func (s *session) store(ctx context.Context, b *batch) error {
	var program pgx.Batch
	if err := guard(func() error { s.state.Write(&program); return nil }); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	to := s.at
	to.Found, to.Next, to.Format, to.LastHash = true, b.next, s.config.Format, b.hash
	err := s.config.DB.InTx(ctx, func(tx pgx.Tx) error {
		if err := s.send(ctx, tx, b, to, &program); err != nil {
			return err
		}
		return s.pass(BeforeDatabaseCommit)
	})
	if err != nil {
		return fmt.Errorf("apply [%d, %d): %w", s.at.Next, b.next, err)
	}
	s.at = to
	s.state.Written()
	return s.pass(AfterDatabaseCommit)
}

// send executes the statements of a batch in one round trip. InTx may call it again: the program's statements are copied,
// because a queued one remembers the connection that prepared it.
func (s *session) send(ctx context.Context, tx pgx.Tx, b *batch, to applied, program *pgx.Batch) (err error) {
	var all pgx.Batch
	queueFence(&all, s.config.Role, s.partition, s.at, to)
	if len(b.frames) > 0 {
		all.Queue(insertLog, s.partition, s.config.Role, b.positions, b.frames)
	}
	own := all.Len()
	for _, q := range program.QueuedQueries {
		all.Queue(q.SQL, q.Arguments...)
	}
	results := tx.SendBatch(ctx, &all)
	defer func() {
		if closed := results.Close(); err == nil && closed != nil {
			err = closed
		}
	}()
	if err := checkFence(results); err != nil {
		return err
	}
	for i := 1; i < all.Len(); i++ {
		if _, err := results.Exec(); err != nil && i < own {
			return &ownError{fmt.Errorf("stream_log: %w", err)}
		} else if err != nil {
			return fmt.Errorf("statement %d of the program: %w", i-own, err)
		}
	}
	return nil
}
