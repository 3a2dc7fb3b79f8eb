package psp

import (
	"context"
	"errors"
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
func (g *Gateway) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joined = true
	for _, number := range assigned[topics.PSPRequests] {
		g.highWater.Forget(number)
		g.partitions[number] = &partition{number: number, prefix: stream.NewPrefix(0), read: -1, moved: make(chan struct{}, 1)}
	}
}

// revoked gives partitions up in good order: nothing of them is begun any more, the calls under way finish and their
// reports are acknowledged (for DrainTimeout at most), and the offsets are committed. What could not finish is met again
// by the next owner.
func (g *Gateway) revoked(ctx context.Context, client *kgo.Client, revoked map[string][]int32) {
	given := g.giveUp(revoked)
	g.drain(given)
	g.commit(ctx, client, given)
}

// lost gives partitions up that another may own already: nothing is committed.
func (g *Gateway) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) { g.giveUp(lost) }

// Ready returns nil once the group has assigned partitions, and the reason why not before that.
func (g *Gateway) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.stopping:
		return errors.New("psp: stopping")
	case !g.joined:
		return errors.New("psp: no partitions assigned yet")
	}
	return nil
}

func (g *Gateway) giveUp(from map[string][]int32) []*partition {
	g.mu.Lock()
	defer g.mu.Unlock()
	var given []*partition
	for _, number := range from[topics.PSPRequests] {
		if p := g.partitions[number]; p != nil {
			p.lost = true
			given = append(given, p)
			delete(g.partitions, number)
			g.highWater.Forget(number)
		}
	}
	return given
}

// drain waits until nothing of the partitions is under way, for DrainTimeout at most.
func (g *Gateway) drain(partitions []*partition) {
	timeout := time.NewTimer(g.cfg.DrainTimeout)
	defer timeout.Stop()
	for _, p := range partitions {
		for g.active(p) > 0 {
			select {
			case <-p.moved:
			case <-timeout.C:
				g.cfg.Log.Warn("psp: calls under way are left to the next owner", "partition", p.number)
				return
			}
		}
	}
}

func (g *Gateway) active(p *partition) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.active
}

// commitRegularly commits until ctx ended and everything was drained, then once more.
func (g *Gateway) commitRegularly(ctx context.Context) {
	ticker := time.NewTicker(g.cfg.CommitEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-g.work.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.DrainTimeout)
			defer cancel()
			g.commit(last, g.client, g.held())
			return
		}
		g.commit(g.work, g.client, g.held())
	}
}

func (g *Gateway) held() []*partition {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := make([]*partition, 0, len(g.partitions))
	for _, p := range g.partitions {
		held = append(held, p)
	}
	return held
}

// commit commits how far the partitions are done (G4). A commit that fails costs repeats, nothing else.
func (g *Gateway) commit(ctx context.Context, client *kgo.Client, partitions []*partition) {
	offsets := map[int32]kgo.EpochOffset{}
	g.mu.Lock()
	for _, p := range partitions {
		if next := p.prefix.Next(); next > p.committed {
			offsets[p.number] = kgo.EpochOffset{Epoch: -1, Offset: next}
		}
	}
	g.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := commitOffsets(ctx, client, offsets); err != nil {
		g.cfg.Log.Warn("psp: commit offsets", "error", err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
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
func (g *Gateway) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if g.cfg.Instance != "" {
			leave := kadm.LeaveGroup(g.cfg.Group).InstanceIDs(g.cfg.Instance)
			if _, err := kadm.NewClient(g.client).LeaveGroup(ctx, leave); err != nil {
				g.cfg.Log.Warn("psp: leave the group", "error", err)
			}
		}
		g.client.CloseAllowingRebalance()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}
