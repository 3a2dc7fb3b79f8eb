package idempotency

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Answers that were sent already are stored with many others, which is most of what each costs the database.
const (
	maxLater      = 4096                  // answers that wait to be stored
	laterTogether = 256                   // in one transaction
	laterWait     = 50 * time.Millisecond // of the first of them for others
	laterWithin   = 5 * time.Second       // one transaction
)

// FinishLater is Finish for an answer that is sent before it is stored, because it can be made again: Run stores it. It is
// false where too many wait, and nothing was taken.
//
// A crash before Run stores it, or a database that does not, leaves the row without an answer, as a crash before Finish
// does.
func (s *Store) FinishLater(r Request, status int, body []byte) bool {
	select {
	case s.later <- s.settling(r, status, body):
		return true
	default:
		return false
	}
}

// Run stores what FinishLater takes, until the context ends and nothing is left.
func (s *Store) Run(ctx context.Context, log *slog.Logger) {
	for {
		var first *write
		select {
		case first = <-s.later:
		case <-ctx.Done():
			if len(s.later) == 0 {
				return
			}
			first = <-s.later
		}
		if len(s.later) < laterTogether {
			pause(ctx, laterWait)
		}
		s.storeLater(s.waiting(first), log)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// waiting is the first answer with those that wait behind it.
func (s *Store) waiting(first *write) []*write {
	all := []*write{first}
	for len(all) < laterTogether {
		select {
		case w := <-s.later:
			all = append(all, w)
		default:
			return all
		}
	}
	return all
}

// storeLater stores answers in one transaction.
func (s *Store) storeLater(all []*write, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), laterWithin)
	defer cancel()
	failed, errs := 0, s.write(ctx, all)
	var last error
	for i, w := range all {
		err := errs[i]
		if err == nil && w.touched == 0 {
			err = s.same(ctx, w)
		}
		if err != nil {
			failed, last = failed+1, err
		}
	}
	if failed > 0 {
		log.WarnContext(ctx, "answers that were sent are not stored; repeats make them of the event log", "answers", failed, "last_error", last)
	}
}

// same returns nil where the answer that was stored before is the same one. Another one would be a bug: of two requests
// with one key, each was told another answer.
func (s *Store) same(ctx context.Context, w *write) error {
	first, err := s.existing(ctx, w.key)
	if err != nil {
		return err
	}
	if first.Verdict != Finished || first.CommandID != w.key.CommandID || first.Status != w.status || !bytes.Equal(first.Body, w.body) {
		return fmt.Errorf("command %s was answered with %d, and its idempotency key is %s with %d", w.key.CommandID, w.status, first.Verdict, first.Status)
	}
	return nil
}
