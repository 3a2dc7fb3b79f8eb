package risk

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

const (
	maxPlans   = 1000        // bounds the tenants whose plans are held
	tellsAfter = time.Second // a partition that could not be told
)

// plan is a tenant's, with the names of its features, and with the partitions that have not been told what to keep for it.
type plan struct {
	*velocity.Plan
	names []string
	later *velocity.Plan // of what becomes of attempts; nil where none of it is counted

	counter *counter
	frame   []byte              // of what to keep
	telling sync.Mutex          // held while records are sent; whoever comes meanwhile waits, to send signals behind them
	untold  atomic.Int32        // how many are in due; where none is, nobody needs a lock
	mu      sync.Mutex          // never held while a record is sent: what learns of a failure takes it
	due     map[int32]time.Time // when they are to be told, by partition
}

// planned is the rule set in force and the tenant's plan of it. Before a plan's first command every partition is told what
// it has to keep for it; nothing, where the set has no definitions: what is not counted from then on must not pass for
// counted when a later set has them.
func (j *join) planned(tenant string) (*rules.Set, *plan, error) {
	set := j.assessor.rules()
	j.mu.RLock()
	p, current := j.plans[tenant], j.set == set
	j.mu.RUnlock()
	if !current || p == nil {
		var err error
		if set, p, err = j.plan(tenant); err != nil {
			return nil, nil, err
		}
	}
	p.tell()
	return set, p, nil
}

// plan makes what planned did not find.
func (j *join) plan(tenant string) (*rules.Set, *plan, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	set := j.assessor.rules()
	if j.set != set {
		j.set, j.plans = set, map[string]*plan{}
	}
	if p := j.plans[tenant]; p != nil {
		return set, p, nil
	}
	made, err := velocity.NewPlan(tenant, j.version(), set.Velocity())
	if err != nil {
		return nil, nil, fmt.Errorf("velocity definitions of rule set %s: %w", set.Hash(), err)
	}
	retain := made.Retain()
	p := &plan{Plan: made, names: made.Names(), later: made.Later(), counter: j.counter, frame: retain.Append(nil), due: map[int32]time.Time{}}
	for partition := range j.assessor.partitions {
		p.due[partition] = time.Time{}
	}
	p.untold.Store(j.assessor.partitions)
	if len(j.plans) == maxPlans {
		clear(j.plans) // what is told again changes nothing
	}
	j.plans[tenant] = p
	return set, p, nil
}

// counts tells whether an event of a kind counts, or what becomes of it.
func (p *plan) counts(kind string) bool {
	return p.Counts(kind) || kind == velocity.KindPayoutAttempt && p.Counts(velocity.KindPayout)
}

// tell tells the partitions that are due. One counts as told once the record is on its way, because a signal is sent behind
// it; where it is given up after all, the partition is due again.
func (p *plan) tell() {
	if p.untold.Load() == 0 {
		return
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	for _, partition := range p.dueBy(time.Now()) {
		p.counter.send(context.Background(), &kgo.Record{Topic: topics.Signals, Partition: partition, Value: p.frame},
			func(err error) {
				if err != nil {
					p.failed(partition)
				}
			})
		p.sent(partition)
	}
}

func (p *plan) dueBy(now time.Time) []int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var partitions []int32
	for partition, due := range p.due {
		if !due.After(now) {
			partitions = append(partitions, partition)
			p.due[partition] = time.Time{} // until it is sent, or failed
		}
	}
	return partitions
}

// sent takes a partition as told, unless the record has failed already.
func (p *plan) sent(partition int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.due[partition].IsZero() {
		delete(p.due, partition)
	}
	p.untold.Store(int32(len(p.due)))
}

func (p *plan) failed(partition int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due[partition] = time.Now().Add(tellsAfter)
	p.untold.Store(int32(len(p.due)))
}

// told tells whether a partition knows what to keep, or will before it reads what is sent now. Where it does not, a signal
// would not be counted.
func (p *plan) told(partition int32) bool {
	if p.untold.Load() == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, due := p.due[partition]
	return !due
}
