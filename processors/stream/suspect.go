package stream

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// sentence is what is done with a record in place of Apply.
type sentence int

const (
	sentenceApply  sentence = iota
	sentenceRefuse          // State.Refuse and a dead letter
	sentenceDrop            // a dead letter alone, because Refuse failed on it too
	sentenceStop            // even that cannot be stored
)

// suspects isolates records that make their batch fail. A batch that fails on its data is tried again in halves, until
// the one record is found; that one is refused and dead-lettered, and the rest is saved.
//
// It outlives the sessions of a partition, each of which begins with a fresh State, but not the process: after a crash
// the same record is found again.
type suspects struct {
	sentences map[int64]verdict // by position
	limit     int               // records in the next batch; 0: no limit
	until     int64             // the position after the last batch that failed
	alone     bool              // the last batch failed: others have no part in what becomes of the next one
}

type verdict struct {
	sentence sentence
	reason   DeadLetter
}

// of is what to do with a record.
func (s *suspects) of(position int64) verdict { return s.sentences[position] }

// batchLimit is how many records from this position on may go into one batch.
func (s *suspects) batchLimit(position int64, standard int) int {
	if s.limit == 0 || position >= s.until {
		return standard
	}
	return min(s.limit, standard)
}

// failed takes note of a batch [from, to) that failed on its data.
func (s *suspects) failed(from, to int64, cause error) {
	if to-from <= 1 {
		s.condemn(from, poison(cause))
		return
	}
	s.limit = int((to - from) / 2)
	s.until = to
}

// condemn raises the sentence of the record that is known to be the cause.
func (s *suspects) condemn(position int64, reason DeadLetter) {
	if s.sentences == nil {
		s.sentences = make(map[int64]verdict)
	}
	before := s.sentences[position]
	if before.sentence > sentenceApply {
		reason.Detail = before.reason.Detail + "\nrefusing it failed, too: " + reason.Detail
		reason.Reason, reason.Constraint = before.reason.Reason, before.reason.Constraint
	}
	s.sentences[position] = verdict{min(before.sentence+1, sentenceStop), reason}
	s.limit = 0
}

// applied takes note that everything before a position is stored.
func (s *suspects) applied(next int64) {
	for position := range s.sentences {
		if position < next {
			delete(s.sentences, position)
		}
	}
	if next >= s.until {
		s.limit = 0
	} else if s.limit > 0 {
		s.limit = max(1, int((s.until-next)/2))
	}
}

// panicError is a panic in a Program.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// guard turns a panic of a Program into an error.
func guard(call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return call()
}

// condemnedError ends a session because one record of its batch now has a sentence: the State has already folded it.
type condemnedError struct {
	position int64
	reason   DeadLetter
}

func (e *condemnedError) Error() string {
	return fmt.Sprintf("record %d: %s: %s", e.position, e.reason.Reason, e.reason.Detail)
}

// ownError is a failure of a statement of the runtime itself: no record is to blame.
type ownError struct{ err error }

func (e *ownError) Error() string { return e.err.Error() }
func (e *ownError) Unwrap() error { return e.err }

// blamesData reports whether a batch failed on what is in it, so that it would fail again.
func blamesData(err error) bool {
	var own *ownError
	if err == nil || errors.As(err, &own) || errors.Is(err, errStale) || errors.Is(err, database.ErrOutcomeUnknown) {
		return false
	}
	var panicked *panicError
	return database.IsData(err) || errors.As(err, &panicked) || failedToEncode(err)
}

// failedToEncode reports whether an argument of a queued statement does not fit its parameter. The driver's error covers
// the preparation of statements, too, where the network or the schema is to blame; only its text tells the two apart.
func failedToEncode(err error) bool {
	var preprocessing pgx.ErrPreprocessingBatch
	return errors.As(err, &preprocessing) && strings.Contains(preprocessing.Error(), "(build)")
}

func poison(cause error) DeadLetter {
	detail := cause.Error()
	return DeadLetter{
		Reason: topics.RefusedPoison, Detail: detail[:min(len(detail), maxDetailBytes)], Constraint: database.Constraint(cause),
	}
}
