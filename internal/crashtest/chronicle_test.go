package crashtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// chronicle is all that was published of payments and payouts, with the entries that were booked for each.
type chronicle struct {
	t       testing.TB
	client  *kgo.Client
	done    sync.WaitGroup
	mu      sync.Mutex
	changed chan struct{} // closed when more is known
	ids     map[string]bool
	lives   map[string]*life // by id of payment or payout
	wrong   []string
}

// life is what the events and entries say of one payment or payout.
type life struct {
	payout   bool
	customer string
	status   string
	asked    int64 // amount that it is of
	totals   topics.Totals
	open     map[string]topics.EventType    // requests of captures, voids, refunds and releases that are not answered
	commands map[string]map[string]int      // by command id: events of each type
	counts   map[string]int                 // events of each type
	cases    map[topics.RefusalCode]int     // opened
	stray    topics.Totals                  // of attempts that were given up
	releases map[string]topics.PSPOperation // of them, by request
	attempts map[string]*operation          // of a payout, by request
	accounts map[string]int64               // by code: sums of postings, debits positive
	log      []string
}

func chronicles(t testing.TB, kafka []kgo.Opt) *chronicle {
	t.Helper()
	client, err := kgo.NewClient(append(kafka, kgo.ConsumeTopics(topics.Events, topics.PayoutEvents, topics.Entries),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &chronicle{t: t, client: client, changed: make(chan struct{}), ids: map[string]bool{}, lives: map[string]*life{}}
	c.done.Go(func() {
		for {
			fetches := client.PollFetches(ctx)
			if ctx.Err() != nil {
				return
			}
			c.mu.Lock()
			fetches.EachRecord(c.take)
			close(c.changed)
			c.changed = make(chan struct{})
			c.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		c.done.Wait()
		client.CloseAllowingRebalance()
	})
	return c
}

func (c *chronicle) life(id string, payout bool) *life {
	l := c.lives[id]
	if l == nil {
		l = &life{payout: payout, open: map[string]topics.EventType{}, commands: map[string]map[string]int{}, counts: map[string]int{},
			cases: map[topics.RefusalCode]int{}, releases: map[string]topics.PSPOperation{},
			attempts: map[string]*operation{}, accounts: map[string]int64{}}
		c.lives[id] = l
	}
	return l
}

// once tells whether a record is new, and notes one that is not.
func (c *chronicle) once(r *kgo.Record, id string) bool {
	id = r.Topic + "/" + id
	if c.ids[id] {
		c.wrong = append(c.wrong, id+" was published twice")
		return false
	}
	c.ids[id] = true
	return true
}

func (c *chronicle) take(r *kgo.Record) {
	var err error
	switch r.Topic {
	case topics.Events:
		var e topics.PaymentEvent
		if err = topics.Unmarshal(r.Value, &e); err == nil && e.PaymentID != "" && c.once(r, e.EventID) {
			c.payment(&e)
		}
	case topics.PayoutEvents:
		var e topics.PayoutEvent
		if err = topics.Unmarshal(r.Value, &e); err == nil && e.PayoutID != "" && c.once(r, e.EventID) {
			c.payout(&e)
		}
	case topics.Entries:
		var e topics.LedgerEntry
		if err = topics.Unmarshal(r.Value, &e); err == nil && c.once(r, e.EntryID) {
			c.entry(&e)
		}
	}
	if err != nil {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %d offset %d: %v", r.Topic, r.Partition, r.Offset, err))
	}
}

func (l *life) told(customer, kind, command, status, line string) {
	if customer != "" {
		l.customer = customer
	}
	if status != "" {
		l.status = status
	}
	l.counts[kind]++
	if command != "" {
		if l.commands[command] == nil {
			l.commands[command] = map[string]int{}
		}
		l.commands[command][kind]++
	}
	l.log = append(l.log, line)
}

func (c *chronicle) payment(e *topics.PaymentEvent) {
	l := c.life(e.PaymentID, false)
	psp := ""
	if e.Request != nil {
		psp = " at " + e.Request.PSP
	}
	l.told(e.CustomerID, string(e.Type), e.CommandID, string(e.Status),
		fmt.Sprintf("%s %s%s %s amount %d request %s %s %s → %s", e.EventID, e.Type, psp, e.At.Format("15:04:05.000"), e.Amount, e.RequestID, e.Refusal, e.Detail, e.Status))
	if e.Totals != nil {
		l.totals = *e.Totals
	}
	switch e.Type {
	case topics.EventCreated:
		l.asked = e.Amount
	case topics.EventCaptureRequested, topics.EventVoidRequested, topics.EventRefundRequested:
		l.open[e.EventID] = e.Type
	case topics.EventCaptured, topics.EventCaptureFailed, topics.EventVoided, topics.EventVoidFailed, topics.EventRefunded, topics.EventRefundFailed:
		delete(l.open, e.RequestID)
	case topics.EventStrayAuthorized:
		l.stray.Authorized += e.Amount
	case topics.EventStrayCaptured:
		l.stray.Captured += e.Amount
	case topics.EventStrayReleaseRequested:
		l.open[e.EventID], l.releases[e.EventID] = e.Type, e.Request.Release
	case topics.EventStrayReleased, topics.EventStrayReleaseFailed:
		delete(l.open, e.RequestID)
		if l.releases[e.RequestID] != topics.OperationRefund {
			break
		}
		if e.Type == topics.EventStrayReleased {
			l.stray.Refunded += e.Amount
		} else if e.PSP.Reversed {
			l.stray.Refunded -= e.Amount
		}
	case topics.EventCaseOpened:
		l.cases[e.Refusal]++
	}
}

func (c *chronicle) payout(e *topics.PayoutEvent) {
	l := c.life(e.PayoutID, true)
	l.told(e.CustomerID, string(e.Type), e.CommandID, string(e.Status),
		fmt.Sprintf("%s %s %s amount %d request %s %s %s → %s", e.EventID, e.Type, e.At.Format("15:04:05.000"), e.Amount, e.RequestID, e.Refusal, e.Detail, e.Status))
	a := l.attempts[e.RequestID]
	switch e.Type {
	case topics.PayoutCreated:
		l.asked = e.Amount
	case topics.PayoutCaseOpened:
		l.cases[e.Refusal]++
	case topics.PayoutSendRequested:
		l.attempts[e.EventID] = &operation{ID: e.EventID, Type: "payout", State: "requested", PSP: e.Request.PSP}
	}
	if state := attemptStates[e.Type]; state != "" && a != nil {
		a.State = state
	}
}

// attemptStates is what events say of an attempt at a payout, in the words of a payment's operations.
var attemptStates = map[topics.PayoutEventType]string{
	topics.PayoutSubmitted: "pending", topics.PayoutOutcomeUnknown: "unknown", topics.PayoutQueued: "failed", topics.PayoutPaid: "succeeded",
	topics.PayoutFailed: "failed", topics.PayoutRequestFailed: "failed", topics.PayoutReturned: "reversed",
}

func (c *chronicle) entry(e *topics.LedgerEntry) {
	id, payout := e.PaymentID, false
	if id == "" && strings.HasPrefix(e.Reference, "po_") {
		id, payout = e.Reference, true
	}
	if id == "" {
		return
	}
	l := c.life(id, payout)
	for _, p := range e.Postings {
		l.accounts[p.Code] += p.Amount
	}
	l.log = append(l.log, fmt.Sprintf("entry %s %s %s", e.EntryID, e.Template, e.BookedAt.Format("15:04:05.000")))
}

// resting tells whether nothing is awaited of a PSP.
func (l *life) resting() bool {
	switch l.status {
	case "authorizing", "unknown", "queued", "reviewing", "sent", "requires_action":
		return false
	}
	return len(l.open) == 0
}

// restless are those of which something is awaited.
func (c *chronicle) restless() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, l := range c.lives {
		if !l.resting() {
			ids = append(ids, fmt.Sprintf("%s is %s, open: %v", id, l.status, slices.Sorted(maps.Values(l.open))))
		}
	}
	slices.Sort(ids)
	return ids
}

// any says whether a payment, or a payout, has had such an event. Its caller holds the lock.
func (c *chronicle) any(payout bool, event string) bool {
	for _, l := range c.lives {
		if l.payout == payout && l.counts[event] > 0 {
			return true
		}
	}
	return false
}

// status is that of a payment or payout, with what closes when more is known.
func (c *chronicle) status(id string) (status string, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lives[id]; l != nil {
		status = l.status
	}
	return status, c.changed
}
