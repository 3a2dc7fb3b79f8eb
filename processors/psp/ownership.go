package psp

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// assigned begins partitions. The first record to come tells where each starts.
func (s *session) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = true
	for _, number := range assigned[topics.PSPRequests] {
		s.highWater.Forget(number)
		s.partitions[number] = &partition{number: number, prefix: stream.NewPrefix(0), read: -1, moved: make(chan struct{}, 1)}
	}
}

// revoked gives partitions up in good order: nothing of them is begun any more, the calls under way finish and their
// reports are acknowledged (for DrainTimeout at most), and the offsets are committed. What could not finish is met again
// by the next owner.
func (s *session) revoked(ctx context.Context, client *kgo.Client, revoked map[string][]int32) {
	given := s.giveUp(revoked)
	s.drain(given)
	s.commit(ctx, client, given)
}

// lost gives partitions up that another may own already: nothing is committed.
func (s *session) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) { s.giveUp(lost) }

// begun registers a record. Where one record has kept MaxAhead others from being committed, the partition is not read
// on until it is done. Callers hold the mutex.
func (s *session) begun(p *partition, offset int64) {
	p.read = offset
	p.prefix.Begin(offset)
	if p.prefix.Open() >= s.cfg.MaxAhead && !p.crowded.Swap(true) {
		s.cfg.Log.Warn("psp: partition is not read on before an earlier request is done", "partition", p.number,
			"offset", p.prefix.Next(), "ahead", p.prefix.Open())
		s.client.PauseFetchPartitions(map[string][]int32{topics.PSPRequests: {p.number}})
	}
}

// done counts a record as done. Callers hold the mutex.
func (s *session) done(p *partition, offset int64) {
	p.prefix.Done(offset)
	if p.crowded.Load() && p.prefix.Open() < s.cfg.MaxAhead {
		p.crowded.Store(false)
		s.client.ResumeFetchPartitions(map[string][]int32{topics.PSPRequests: {p.number}})
	}
}

func (s *session) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joined && !s.stopping
}

func (s *session) giveUp(from map[string][]int32) []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var given []*partition
	for _, number := range from[topics.PSPRequests] {
		if p := s.partitions[number]; p != nil {
			p.lost = true
			if p.crowded.Load() {
				s.client.ResumeFetchPartitions(map[string][]int32{topics.PSPRequests: {number}})
			}
			given = append(given, p)
			delete(s.partitions, number)
			s.highWater.Forget(number)
		}
	}
	return given
}

// drain waits until nothing of the partitions is under way, for DrainTimeout at most.
func (s *session) drain(partitions []*partition) {
	timeout := time.NewTimer(s.cfg.DrainTimeout)
	defer timeout.Stop()
	for _, p := range partitions {
		for s.active(p) > 0 {
			select {
			case <-p.moved:
			case <-timeout.C:
				s.cfg.Log.Warn("psp: calls under way are left to the next owner", "partition", p.number)
				return
			}
		}
	}
}

func (s *session) active(p *partition) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.active
}

// commitRegularly commits until ctx ended and everything was drained, then once more.
func (s *session) commitRegularly(ctx context.Context) {
	ticker := time.NewTicker(s.cfg.CommitEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.work.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			s.commit(last, s.client, s.held())
			return
		}
		s.commit(s.work, s.client, s.held())
	}
}

func (s *session) held() []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make([]*partition, 0, len(s.partitions))
	for _, p := range s.partitions {
		held = append(held, p)
	}
	return held
}

// commit commits how far the partitions are done (G4). A commit that fails costs repeats, nothing else.
func (s *session) commit(ctx context.Context, client *kgo.Client, partitions []*partition) {
	offsets := map[int32]kgo.EpochOffset{}
	s.mu.Lock()
	for _, p := range partitions {
		if next := p.prefix.Next(); next > p.committed {
			offsets[p.number] = kgo.EpochOffset{Epoch: -1, Offset: next}
		}
	}
	s.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := commitOffsets(ctx, client, offsets); err != nil {
		s.cfg.Log.Warn("psp: commit offsets", "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range partitions {
		if offset, ok := offsets[p.number]; ok {
			p.committed = max(p.committed, offset.Offset)
		}
	}
}

func commitOffsets(ctx context.Context, client *kgo.Client, offsets map[int32]kgo.EpochOffset) error {
	var failure error
	client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{topics.PSPRequests: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			if failure = err; err != nil {
				return
			}
			for _, topic := range response.Topics {
				for _, p := range topic.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						failure = fmt.Errorf("partition %d: %w", p.Partition, err)
					}
				}
			}
		})
	return failure
}

// close tells the group that a static member does not come back soon, and closes the client. With the broker away that
// may take for ever, so it ends after closeTimeout.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if s.cfg.Instance != "" {
			leave := kadm.LeaveGroup(s.cfg.Group).InstanceIDs(s.cfg.Instance)
			if _, err := kadm.NewClient(s.client).LeaveGroup(ctx, leave); err != nil {
				s.cfg.Log.Warn("psp: leave the group", "error", err)
			}
		}
		s.client.CloseAllowingRebalance()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}
