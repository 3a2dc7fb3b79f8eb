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
	reader  *PartitionReader // nil: the next read begins anew
	whole   bool             // all that was committed before the first read was read
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
//
// The first read takes all that was committed before, and waits for that as CommittedEnds does. Later ones wait for nobody: a
// transaction that is open keeps what comes after it for a later read, and not what came before it.
func (f *Follower) Read(ctx context.Context, begin func(), take func(*kgo.Record) error) (changed bool, err error) {
	if changed, err = f.read(ctx, begin, take); err != nil {
		f.forget()
		return false, fmt.Errorf("read %s: %w", f.topic, err)
	}
	return changed, nil
}

func (f *Follower) read(ctx context.Context, begin func(), take func(*kgo.Record) error) (changed bool, err error) {
	listed, err := f.ends(ctx)
	if err != nil {
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
			f.whole = f.whole || err == nil
			return changed, err
		}
		if err := take(record); err != nil {
			return false, err
		}
		changed = true
	}
}

func (f *Follower) ends(ctx context.Context) (kadm.ListedOffsets, error) {
	admin := kadm.NewClient(f.client)
	if !f.whole {
		return CommittedEnds(ctx, admin, f.topic)
	}
	listed, err := admin.ListCommittedOffsets(ctx, f.topic)
	return listed, errors.Join(err, listed.Error())
}
