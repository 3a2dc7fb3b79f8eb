package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// owner follows the group's assignment: it holds each assigned partition for as long as it is assigned. It reads nothing,
// and knows nothing of what holding means; correctness never rests on it, because each holder fences for itself.
type owner struct {
	group, topic string
	instanceID   string // static membership, so that a process that comes back finds its partitions at once; "" for none
	kafka        []kgo.Opt
	limits       Limits
	log          *slog.Logger

	// hold works on a partition until drain is done, and then finishes what is in hand; when ctx is done it returns at
	// once.
	hold func(ctx, drain context.Context, partition int32)
	// offset is what lag tools should see of a partition, negative for nothing.
	offset func(partition int32) int64

	mu       sync.Mutex
	tenures  map[int32]*tenure
	assigned bool // at least once
}

// tenure is one partition held.
type tenure struct {
	drain  context.CancelFunc
	cancel context.CancelFunc
	done   chan struct{}
}

// run takes part in the group until ctx is done, then drains every partition, leaves and returns.
func (o *owner) run(ctx context.Context) error {
	o.tenures = make(map[int32]*tenure)
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), o.kafka...), o.groupOptions()...)...)
	if err != nil {
		return fmt.Errorf("kafka client of group %s: %w", o.group, err)
	}
	client.PauseFetchTopics(o.topic)
	var watching sync.WaitGroup
	watching.Go(func() { o.watch(ctx, client) })
	watching.Go(func() { o.reportOffsets(ctx, client) })
	<-ctx.Done()
	watching.Wait()

	o.end(o.held(), o.limits.DrainTimeout)
	leaveGroup(client, o.group, o.instanceID, o.limits.LeaveTimeout, o.log)
	closeClient(client, o.limits.LeaveTimeout)
	return nil
}

func (o *owner) groupOptions() []kgo.Opt {
	options := []kgo.Opt{
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(o.limits.SessionTimeout),
		kgo.HeartbeatInterval(o.limits.Heartbeat),
		kgo.RebalanceTimeout(o.limits.RebalanceTimeout),
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), // nothing is read through this client
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) { o.begin(added[o.topic]) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, removed map[string][]int32) {
			o.end(removed[o.topic], o.limits.DrainTimeout)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { o.end(lost[o.topic], 0) }),
	}
	if o.instanceID != "" {
		options = append(options, kgo.InstanceID(o.instanceID))
	}
	return options
}

func (o *owner) begin(partitions []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.assigned = true
	for _, partition := range partitions {
		if o.tenures[partition] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		drain, stop := context.WithCancel(context.Background())
		t := &tenure{drain: stop, cancel: cancel, done: make(chan struct{})}
		o.tenures[partition] = t
		go func() {
			defer close(t.done)
			o.hold(ctx, drain, partition)
		}()
	}
}

// end gives partitions up: each may finish what is in hand within the limit, and is cut off then. A holder that does not
// even return after that is left behind, which its successor's fence makes harmless.
func (o *owner) end(partitions []int32, limit time.Duration) {
	o.mu.Lock()
	var ending []*tenure
	for _, partition := range partitions {
		if t := o.tenures[partition]; t != nil {
			ending = append(ending, t)
			delete(o.tenures, partition)
		}
	}
	o.mu.Unlock()
	for _, t := range ending {
		t.drain()
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for _, t := range ending {
		select {
		case <-t.done:
		case <-deadline.C:
			deadline.Reset(0) // for those that follow
		}
	}
	for _, t := range ending {
		t.cancel()
	}
	last := time.NewTimer(o.limits.LeaveTimeout)
	defer last.Stop()
	for _, t := range ending {
		select {
		case <-t.done:
		case <-last.C:
			last.Reset(0)
			o.log.Warn("a partition was given up and its work has not ended")
		}
	}
}

func (o *owner) held() []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	partitions := make([]int32, 0, len(o.tenures))
	for partition := range o.tenures {
		partitions = append(partitions, partition)
	}
	return partitions
}

func (o *owner) wasAssigned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.assigned
}

// watch drains what the group's client has to say: errors only, because it fetches nothing.
func (o *owner) watch(ctx context.Context, client *kgo.Client) {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			o.log.Warn("consumer group", "group", o.group, "error", err)
		})
	}
}

// reportOffsets commits group offsets for lag tools. They are never read back.
func (o *owner) reportOffsets(ctx context.Context, client *kgo.Client) {
	ticker := time.NewTicker(o.limits.OffsetInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			o.reportOnce(ctx, client)
		}
	}
}

func (o *owner) reportOnce(ctx context.Context, client *kgo.Client) {
	offsets := make(map[int32]kgo.EpochOffset)
	for _, partition := range o.held() {
		if offset := o.offset(partition); offset >= 0 {
			offsets[partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		}
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, o.limits.OffsetInterval)
	defer cancel()
	if err := commitOffsets(ctx, client, o.topic, offsets); err != nil && ctx.Err() == nil {
		o.log.Debug("commit offsets for lag tools", "error", err) // the next one makes up for it
	}
}

// commitOffsets commits offsets of a topic's partitions as a member of the client's group.
func commitOffsets(ctx context.Context, client *kgo.Client, topic string, offsets map[int32]kgo.EpochOffset) error {
	var failure error
	client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			failure = err
			if err != nil {
				return
			}
			for _, t := range response.Topics {
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						failure = fmt.Errorf("partition %d: %w", p.Partition, err)
					}
				}
			}
		})
	return failure
}

// leaveGroup tells the group that a static member does not come back soon; closing the client would not.
func leaveGroup(client *kgo.Client, group, instanceID string, limit time.Duration, log *slog.Logger) {
	if instanceID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := kadm.NewClient(client).LeaveGroup(ctx, kadm.LeaveGroup(group).InstanceIDs(instanceID))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		log.Warn("leave the group", "group", group, "error", err)
	}
}
