package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Keys of the runtime's own records in a changelog. The state's never begin with a zero byte.
const (
	tablePositionKey = "\x00position"
	tableBarrierKey  = "\x00barrier"
)

// tablePosition is the value of a changelog's position record: the records before it hold what the input before Next
// came to. It is written in the transaction that commits them.
type tablePosition struct {
	Next     int64  `json:"next"` // offset of the first record of the input that is not applied
	TopicID  string `json:"topic_id"`
	LastHash string `json:"last_hash"` // of record Next-1, as in stream_positions
	Format   int16  `json:"format"`    // of the state's records
}

// own fences the previous owner, restores the state from what was committed up to the barrier, and judges the position that
// it finds there. In this order: what the previous owner has left open is aborted, and nothing of it is read.
func (s *tableSession) own(ctx context.Context) (err error) {
	claiming, cancel := context.WithTimeout(ctx, s.config.Limits.ClaimTimeout)
	defer cancel()
	claim, barrier, err := fence(claiming, s.config.Kafka, s.config.Role, s.partition, s.config.Limits, s.config.Changelog, tableBarrierKey,
		s.config.Reading...)
	if err != nil {
		return err
	}
	s.claim = claim
	defer func() {
		if err != nil {
			claim.close(s.config.Limits.LeaveTimeout)
		}
	}()
	input, err := describeInput(claiming, claim.admin, s.config.Input, s.partition)
	if err != nil {
		return err
	}
	if err := s.restore(ctx, barrier+1); err != nil { // as long as it takes
		return fmt.Errorf("restore from %s: %w", s.config.Changelog, err)
	}
	found := evidence{Role: s.config.Role, Topic: s.config.Input, Partition: s.partition, Format: s.config.Format,
		Position: Position{Next: s.at.Next}, Declared: s.at.Found, Applied: s.at, Input: input}
	if err := found.verdict(); err != nil {
		return err
	}
	if err := found.verifyLast(ctx, &claim.reader); err != nil {
		return err
	}
	s.at.TopicID = input.ID
	return nil
}

// restore reads the changelog before an offset into a new state.
func (s *tableSession) restore(ctx context.Context, end int64) error {
	starts, err := s.claim.admin.ListStartOffsets(ctx, s.config.Changelog)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("list offsets: %w", err)
	}
	start, ok := starts.Lookup(s.config.Changelog, s.partition)
	if !ok {
		return fmt.Errorf("it has no partition %d", s.partition)
	}
	s.state = s.config.Program.Open(s.partition)
	records, failure := 0, error(nil)
	err = s.claim.read(ctx, s.config.Changelog, start.Offset, end, func(r *kgo.Record) {
		if failure == nil {
			records++
			failure = guard(func() error { return s.restoreOne(r) })
		}
	})
	if err == nil {
		err = failure
	}
	if err == nil {
		err = guard(s.state.Restored)
	}
	if errors.Is(err, ErrFutureFormat) {
		return s.stop(StopFutureFormat, err.Error(), "start the newer version")
	}
	if err == nil {
		s.log.Info("partition restored", "records", records, "applied", s.at.Next)
	}
	return err
}

func (s *tableSession) restoreOne(r *kgo.Record) error {
	switch key := string(r.Key); {
	case key == tableBarrierKey:
		return nil
	case key == tablePositionKey:
		var p tablePosition
		if err := topics.Unmarshal(r.Value, &p); err != nil {
			return fmt.Errorf("offset %d: position record: %w", r.Offset, err)
		}
		if p.Format > s.config.Format {
			return fmt.Errorf("offset %d: format %d, this binary writes %d: %w", r.Offset, p.Format, s.config.Format, ErrFutureFormat)
		}
		id, err := hex.DecodeString(p.TopicID)
		hash, hashErr := hex.DecodeString(p.LastHash)
		if err = errors.Join(err, hashErr); err != nil || len(id) != len(s.at.TopicID) {
			return fmt.Errorf("offset %d: position record: topic_id or last_hash is not what was written: %w", r.Offset, err)
		}
		s.at = applied{Found: true, Next: p.Next, TopicID: [16]byte(id), LastHash: hash, Format: p.Format}
		return nil
	default:
		if err := s.state.Restore(r.Key, r.Value); err != nil {
			return fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		return nil
	}
}
