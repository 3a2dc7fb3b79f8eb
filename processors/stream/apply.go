package stream

import (
	"context"
	"errors"
	"fmt"

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
//
// A crash before COMMIT leaves nothing: the batch is applied again from the input. A crash after it leaves records applied
// and not published: O2 publishes them from stream_log. An answer that never came leaves either of the two, and O1 reads
// which.
func (s *session) apply(ctx context.Context, in *intake) (*batch, error) {
	t := &turn{session: s, intake: in}
	b := &t.batch
	var err error
	if len(in.held) > sharedRecords || s.suspects.alone {
		err = take(ctx, s.config.DB, t)[0]
	} else {
		err = s.together.Do(ctx, t)
	}
	s.suspects.alone = err != nil
	var condemned *condemnedError
	switch {
	case err == nil:
		s.suspects.applied(b.next)
		return b, t.committed()
	case errors.As(err, &condemned):
		s.suspects.condemn(condemned.position, condemned.reason)
	case len(b.records) > 0 && blamesData(err):
		s.suspects.failed(b.records[0].Position, b.next, err)
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
