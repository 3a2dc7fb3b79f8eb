package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// session is the ownership of one partition from O1 to the first error, the end of the assignment or a graceful stop.
// Nothing of it is used again: the next session begins at O1 with a State of its own.
type session struct {
	*Fold
	partition int32
	suspects  *suspects
	status    *partitionStatus
	log       *slog.Logger

	base    int64
	topicID [16]byte
	at      applied // M: what the database holds; only the applying goroutine touches it
	state   State
}

// run owns the partition until drain is done, and then until what is in hand is applied and published; or until ctx is
// done, or an error.
func (s *session) run(ctx, drain context.Context) (err error) {
	claim, published, err := s.own(ctx)
	if err != nil {
		return err
	}
	defer claim.close(s.config.Limits.LeaveTimeout)
	defer context.AfterFunc(ctx, claim.shut)() // some waits inside the client know no context
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.state.Close()
	s.status.folding(published, s.at.Next, s.base)
	s.log.Info("partition owned", "published", published, "applied", s.at.Next, "offset", s.at.Next-s.base)

	group, ctx := errgroup.WithContext(ctx)
	outbox := newOutbox(s.config.Limits)
	group.Go(func() error {
		p := &publisher{session: s, claim: claim, outbox: outbox, wake: make(chan struct{})}
		return p.run(ctx)
	})
	background, endBackground := context.WithCancel(ctx)
	defer endBackground()
	group.Go(func() error {
		defer endBackground()
		defer close(outbox.items)
		if err := s.catchUp(ctx, outbox, published); err != nil {
			return err
		}
		return s.follow(ctx, drain, newIntake(s, claim), outbox)
	})
	if b, ok := s.state.(Backgrounder); ok {
		group.Go(func() error {
			err := guard(func() error { return b.Background(background) })
			if err != nil && background.Err() == nil {
				return fmt.Errorf("background: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// own is O1 up to the check of what it read: fence, N, M, in this order.
func (s *session) own(ctx context.Context) (_ *claim, published int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Limits.ClaimTimeout)
	defer cancel()
	claim, err := takeClaim(ctx, s.config.Kafka, s.config.Role, s.partition, s.config.Limits)
	if err != nil {
		if errors.Is(err, ErrFutureFormat) {
			err = s.stop(StopFutureFormat, err.Error(), "start the newer version")
		}
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			claim.close(s.config.Limits.LeaveTimeout)
		}
	}()
	found, err := s.investigate(ctx, claim)
	if err == nil {
		err = found.verdict()
	}
	if err == nil {
		err = found.verifyLast(ctx, &claim.reader)
	}
	if err != nil {
		return nil, 0, err
	}
	s.at = found.Applied
	if !s.at.Found { // nothing was ever applied
		s.at.TopicID = found.Input.ID
	}
	s.base, s.topicID = s.at.Base, s.at.TopicID
	if !claim.found {
		// Before the first batch: a crash between its database commit and its Kafka commit must leave an N behind, or the
		// next owner could not tell it from a lost positions topic.
		if err := claim.declare(ctx, s.positionAt(s.at.Next)); err != nil {
			return nil, 0, err
		}
	}
	return claim, claim.position.Next, nil
}

// investigate reads M, and then what the broker says of the input.
func (f *Fold) investigate(ctx context.Context, c *claim) (*evidence, error) {
	e := &evidence{Role: f.config.Role, Topic: f.config.Input, Partition: c.partition, Format: f.config.Format,
		Position: c.position, Declared: c.found}
	var err error
	if e.Applied, err = readApplied(ctx, f.config.DB, e.Role, e.Partition); err != nil {
		return nil, err
	}
	e.Input, err = describeInput(ctx, c.admin, e.Topic, e.Partition)
	return e, err
}

// open is the end of O1: the state is loaded after M was read.
func (s *session) open(ctx context.Context) error {
	err := guard(func() (err error) {
		s.state, err = s.config.Program.Open(ctx, s.partition, s.at.Next)
		return err
	})
	if errors.Is(err, ErrFutureFormat) {
		return s.stop(StopFutureFormat, err.Error(), "start the newer version")
	}
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	return nil
}

// catchUp is O2: what is applied and not published comes from stream_log, through the same publisher as everything else.
func (s *session) catchUp(ctx context.Context, outbox *outbox, published int64) error {
	for published < s.at.Next {
		page, err := readLog(ctx, s.config.DB, s.frames, s.config.Role, s.partition, published, s.at.Next, s.config.Limits)
		if err != nil {
			return fmt.Errorf("catch up from %d: %w", published, err)
		}
		if err := outbox.put(ctx, page); err != nil {
			return err
		}
		published = page.next
	}
	return nil
}

// follow is O3 over and over: fetch, apply, hand over to the publisher.
func (s *session) follow(ctx, drain context.Context, intake *intake, outbox *outbox) error {
	for {
		err := intake.wait(ctx, drain, s.at.Next)
		if errors.Is(err, errDrained) {
			return nil
		}
		if err != nil {
			return err
		}
		began := time.Now()
		b, err := s.apply(ctx, intake)
		if errors.Is(err, ErrFutureFormat) {
			return s.stop(StopFutureFormat, err.Error(), "start the newer version")
		}
		if err != nil {
			return err
		}
		s.status.applied(b.next, len(b.records), b.letters, time.Since(began))
		if err := outbox.put(ctx, publication{next: b.next, outputs: b.outputs, bytes: b.bytes}); err != nil {
			return err
		}
	}
}

// published takes note of a committed N.
func (s *session) published(next int64) { s.status.published(next) }

// pass calls the test's hook.
func (s *session) pass(point Point) error {
	if s.config.Hook == nil {
		return nil
	}
	return s.config.Hook(point, s.partition)
}

func (s *session) stop(reason StopReason, detail, command string) error {
	return &StopError{Role: s.config.Role, Partition: s.partition, Reason: reason, Detail: detail, Command: command}
}
