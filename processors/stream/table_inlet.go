package stream

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// inlet reads the input of all partitions that a Table has in this process with one client: one request for what is new in
// any of them, where a client for each partition would send as many as there are partitions. The client lives while a
// partition is read, so that a session after an error of all of them begins with a new one. Its fetches wait a short time
// for records: a partition that is opened has no part in one under way.
type inlet struct {
	config *TableConfig

	mu     sync.Mutex
	client *kgo.Client // nil while nothing is read
	stop   context.CancelFunc
	taps   map[int32]*tap // by partition
}

func newInlet(config *TableConfig) *inlet { return &inlet{config: config, taps: map[int32]*tap{}} }

// open begins to read a partition at exactly this offset.
func (in *inlet) open(partition int32, offset int64) (*tap, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.client == nil {
		client, err := kgo.NewClient(append(readerOptions(in.config.Kafka, in.config.Limits), kgo.FetchMaxWait(fetchWait))...)
		if err != nil {
			return nil, fmt.Errorf("kafka client: %w", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		in.client, in.stop = client, cancel
		go in.poll(ctx, client)
	}
	t := &tap{inlet: in, client: in.client, partition: partition, ready: make(chan struct{}, 1)}
	in.taps[partition] = t
	in.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		in.config.Input: {partition: kgo.NewOffset().At(offset).WithEpoch(-1)}})
	return t, nil
}

// poll hands what is fetched to the partitions. An error that is of none of them is of all.
func (in *inlet) poll(ctx context.Context, client *kgo.Client) {
	for {
		fetches := client.PollRecords(ctx, in.config.Limits.BatchRecords)
		if ctx.Err() != nil {
			return
		}
		in.mu.Lock()
		for _, fetch := range fetches {
			for _, topic := range fetch.Topics {
				for _, partition := range topic.Partitions {
					one := topic
					one.Partitions = []kgo.FetchPartition{partition}
					for _, t := range in.taps {
						if t.client == client && (t.partition == partition.Partition || topic.Topic != in.config.Input) {
							t.add(kgo.Fetch{Topics: []kgo.FetchTopic{one}}, len(partition.Records))
						}
					}
				}
			}
		}
		in.mu.Unlock()
	}
}

// tap is where one partition's session takes what was fetched for it.
type tap struct {
	*inlet
	client    *kgo.Client
	partition int32
	ready     chan struct{} // there is something to take

	heldMu sync.Mutex
	held   kgo.Fetches
	count  int // of the records in it
	paused bool
}

// add holds what was fetched. Above the bound the partition is not fetched until it is taken; what one poll returns is the
// most that is held beyond it.
func (t *tap) add(fetch kgo.Fetch, records int) {
	t.heldMu.Lock()
	defer t.heldMu.Unlock()
	t.held = append(t.held, fetch)
	t.count += records
	if !t.paused && t.count > t.config.Limits.BatchRecords {
		t.paused = true
		t.client.PauseFetchPartitions(map[string][]int32{t.config.Input: {t.partition}})
	}
	select {
	case t.ready <- struct{}{}:
	default: // it is said already
	}
}

// take takes all that is held.
func (t *tap) take() kgo.Fetches {
	t.heldMu.Lock()
	defer t.heldMu.Unlock()
	held := t.held
	t.held, t.count = nil, 0
	t.resume()
	return held
}

// resume lets the partition be fetched again. The mutex is held.
func (t *tap) resume() {
	if t.paused {
		t.paused = false
		t.client.ResumeFetchPartitions(map[string][]int32{t.config.Input: {t.partition}})
	}
}

// close ends the reading of the partition, and of the client where it was the last.
func (t *tap) close() {
	t.mu.Lock()
	delete(t.taps, t.partition)
	if last := len(t.taps) == 0; last {
		t.stop()
		t.inlet.client = nil
		t.mu.Unlock()
		closeClient(t.client, t.config.Limits.LeaveTimeout)
		return
	}
	defer t.mu.Unlock()
	t.client.RemoveConsumePartitions(map[string][]int32{t.config.Input: {t.partition}})
	t.heldMu.Lock()
	defer t.heldMu.Unlock()
	t.resume() // what is paused stays so for whoever reads it next
}
