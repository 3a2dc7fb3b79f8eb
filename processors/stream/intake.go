package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// intake hands out the input from M on, dense and in order, in bounded batches.
type intake struct {
	*session
	claim   *claim
	started bool
	held    []*kgo.Record // fetched, not handed out
}

func newIntake(s *session, c *claim) *intake { return &intake{session: s, claim: c} }

// wait returns once at least one record from position on is held, or errDrained.
func (in *intake) wait(ctx, drain context.Context, position int64) error {
	if !in.started {
		in.claim.consume(in.config.Input, position-in.base)
		in.started = true
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(drain, cancel)()
	for len(in.held) == 0 {
		fetches := in.claim.client.PollRecords(waiting, in.config.Limits.BatchRecords)
		if err := ctx.Err(); err != nil {
			return err
		}
		if drain.Err() != nil {
			return errDrained
		}
		if err := in.take(fetches, position); err != nil {
			return err
		}
	}
	if drain.Err() != nil {
		return errDrained
	}
	return nil
}

// cut hands out the first records held, which begin at the position, and what was fetched meanwhile: at most limit, at
// most BatchBytes beyond the first.
func (in *intake) cut(position int64, limit int) ([]Record, error) {
	if more := limit - len(in.held); more > 0 {
		if err := in.take(in.claim.client.PollRecords(nil, more), position+int64(len(in.held))); err != nil { // waits for none
			return nil, err
		}
	}
	n, size := 0, 0
	for n < len(in.held) && n < limit {
		size += len(in.held[n].Key) + len(in.held[n].Value)
		if n > 0 && size > in.config.Limits.BatchBytes {
			break
		}
		n++
	}
	records := make([]Record, n)
	for i, r := range in.held[:n] {
		records[i] = recordOf(r, position+int64(i))
	}
	in.held = in.held[n:]
	return records, nil
}

// take accepts what was fetched where it goes on exactly at the position.
func (in *intake) take(fetches kgo.Fetches, position int64) error {
	records, err := takeDense(fetches, in.config.Input, in.topicID, in.partition, position-in.base, in.status.ends)
	in.held = append(in.held, records...)
	return err
}

// takeDense returns the records of one partition that were fetched, which must go on exactly at the offset. A gap means that
// somebody wrote the input in transactions or that it is compacted; neither is this topic. ends is told where the input ends.
func takeDense(fetches kgo.Fetches, input string, topicID [16]byte, number int32, offset int64, ends func(int64)) ([]*kgo.Record, error) {
	if err := fetches.Err(); err != nil {
		return nil, fmt.Errorf("fetch %s from offset %d: %w", input, offset, err)
	}
	var taken []*kgo.Record
	expected := offset
	for _, fetch := range fetches {
		for _, topic := range fetch.Topics {
			if topic.Topic != input {
				continue
			}
			if topic.TopicID != topicID && topic.TopicID != [16]byte{} {
				return nil, fmt.Errorf("fetch %s: it has topic id %x now, want %x", input, topic.TopicID, topicID)
			}
			for _, partition := range topic.Partitions {
				ends(partition.HighWatermark)
				for _, r := range partition.Records {
					if r.Offset != expected || r.Attrs.IsControl() {
						return nil, fmt.Errorf("fetch %s partition %d: offset %d (control record: %t) where %d must follow: only "+
							"producers without transactions may write it", input, number, r.Offset, r.Attrs.IsControl(), expected)
					}
					expected++
					taken = append(taken, r)
				}
			}
		}
	}
	return taken, nil
}
