package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Follower reads partition 0 of a topic, again and again, up to what is committed then: for topics that every process has
// to know whole.
type Follower struct {
	options []kgo.Opt
	topic   string
	client  *kgo.Client
	reader  *PartitionReader // nil: nothing was read yet
}

// NewFollower connects to the broker with options; Close ends it.
func NewFollower(options []kgo.Opt, topic string) (*Follower, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &Follower{options: options, topic: topic, client: client}, nil
}

// Close ends the follower.
func (f *Follower) Close() {
	f.forget()
	f.client.Close()
}

func (f *Follower) forget() {
	if f.reader != nil {
		f.reader.Close()
	}
	f.reader = nil
}

// Read calls take for each record that was committed since the last call, and begin before the first of all. changed tells
// whether either was called. After an error the next call begins anew.
func (f *Follower) Read(ctx context.Context, begin func(), take func(*kgo.Record) error) (changed bool, err error) {
	if changed, err = f.read(ctx, begin, take); err != nil {
		f.forget()
		return false, fmt.Errorf("read %s: %w", f.topic, err)
	}
	return changed, nil
}

func (f *Follower) read(ctx context.Context, begin func(), take func(*kgo.Record) error) (changed bool, err error) {
	listed, err := kadm.NewClient(f.client).ListCommittedOffsets(ctx, f.topic)
	if err = errors.Join(err, listed.Error()); err != nil {
		return false, err
	}
	end, ok := listed.Lookup(f.topic, 0)
	if !ok {
		return false, errors.New("the topic is not there; weir topics apply creates it")
	}
	if f.reader == nil {
		if f.reader, err = OpenPartition(f.options, f.topic, 0, 0, end.Offset); err != nil {
			return false, err
		}
		begin()
		changed = true
	} else if !f.reader.Extend(end.Offset) {
		return false, nil
	}
	for {
		record, err := f.reader.Next(ctx)
		if err != nil || record == nil {
			return changed, err
		}
		if err := take(record); err != nil {
			return false, err
		}
		changed = true
	}
}
