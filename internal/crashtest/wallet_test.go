package crashtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/weirhq/weir/internal/periods"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

const (
	visitsAtOnce    = 16
	visitsPerSecond = 10
	closeAtVisit    = 30 // the last month is closed when so many have begun
	closeWithin     = 5 * time.Second
)

// books is what the clients know of customers' wallets: what must have happened, by what they were answered.
type books struct {
	visits   int
	commands map[string]string         // acknowledged, by command id: what must come of it, where that is known
	told     map[string]map[string]int // by customer: how often what must have come of commands
	gains    map[string]int64          // by customer: what visits left, minor units
	holds    int                       // that ran out
	closed   bool                      // a month, in all partitions
}

func newBooks() books {
	return books{commands: map[string]string{}, told: map[string]map[string]int{}, gains: map[string]int64{}}
}

// outcome is an event by what it is and why.
func outcome(kind topics.WalletEventType, refusal topics.RefusalCode) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", kind, refusal))
}

// runVisits has customers move their wallets until halt.
func (tr *traffic) runVisits(ctx context.Context) {
	limiter := rate.NewLimiter(visitsPerSecond, 1)
	room := make(chan struct{}, visitsAtOnce)
	var playing sync.WaitGroup
	defer playing.Wait()
	for n := 0; ; n++ {
		select {
		case room <- struct{}{}:
		case <-tr.halt:
			return
		case <-ctx.Done():
			return
		}
		if limiter.Wait(ctx) != nil {
			return
		}
		if n == closeAtVisit {
			playing.Go(func() { tr.closeMonth(ctx) })
		}
		playing.Go(func() {
			defer func() { <-room }()
			v := planVisit(tr.seed, n)
			if err := tr.visit(ctx, v); tr.unlessOver(ctx, err) != nil {
				tr.problem("visit %d of %s: %v", n, v.customer, err)
			}
		})
	}
}

// closeMonth closes the last month, asking again until all partitions have answered one request.
func (tr *traffic) closeMonth(ctx context.Context) {
	month := ledger.MonthOf(time.Now().AddDate(0, 0, -time.Now().UTC().Day()))
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, closeWithin)
		_, err := periods.Close(within, tr.world.kafka(), topics.PeriodClose{CommandID: uuid.Must(uuid.NewV4()).String(),
			Tenant: tenant, Month: month.String(), RequestedBy: adjustedBy, ApprovedBy: approvedBy})
		cancel()
		if err == nil {
			tr.mu.Lock()
			tr.books.closed = true
			tr.mu.Unlock()
			return
		}
	}
}

// visit takes a customer through a visit and books what must come of it.
func (tr *traffic) visit(ctx context.Context, v *visit) error {
	ask := tr.visitOverKafka
	if v.overHTTP {
		ask = tr.visitOverHTTP
	}
	placed, err := ask(ctx, v)
	if err != nil {
		return err
	}
	told := map[string]int{}
	for _, m := range v.moves {
		switch hold, late := placed[m]; {
		case m.expires && late && hold == "":
			told[outcome(topics.WalletCommandRefused, topics.RefusedInvalid)]++
		case m.expires:
			if err := tr.seen.wait(ctx, func() bool { return tr.seen.expired[hold] > 0 }); err != nil {
				return fmt.Errorf("hold %s does not run out: %w", hold, err)
			}
			told[outcome(topics.WalletHoldExpired, "")]++
			fallthrough
		default:
			told[outcome(m.becomes, m.refusal)]++
		}
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	b := &tr.books
	b.visits++
	b.gains[v.customer] += v.gain
	b.holds += told[string(topics.WalletHoldExpired)]
	if b.told[v.customer] == nil {
		b.told[v.customer] = map[string]int{}
	}
	for what, n := range told {
		b.told[v.customer][what] += n
	}
	return nil
}

// visitOverKafka writes all commands and waits until each has its event. It returns the ids of the holds that run out, ""
// for one that came too late.
func (tr *traffic) visitOverKafka(ctx context.Context, v *visit) (map[*move]string, error) {
	for _, m := range v.moves {
		c := m.command
		c.IssuedAt = time.Now().UTC()
		want := outcome(m.becomes, m.refusal)
		if m.expires {
			c.ExpiresAt, want = c.IssuedAt.Add(holdFor), ""
		}
		value, err := topics.Marshal(c)
		if err != nil {
			return nil, err
		}
		if err := tr.write(ctx, v.twice, &kgo.Record{Topic: topics.WalletCommands, Key: []byte(c.CustomerID), Value: value}); err != nil {
			return nil, err
		}
		tr.mu.Lock()
		tr.books.commands[c.CommandID] = want
		tr.mu.Unlock()
	}
	placed := map[*move]string{}
	for _, m := range v.moves {
		id := m.command.CommandID
		if err := tr.seen.wait(ctx, func() bool { return len(tr.seen.became[id]) > 0 }); err != nil {
			return nil, fmt.Errorf("command %s has no event: %w", id, err)
		}
		if m.expires {
			placed[m] = tr.seen.placed(id)
		}
	}
	return placed, nil
}

// visitOverHTTP sends one request after the other and holds each answer to what must come of it. It returns what
// visitOverKafka does.
func (tr *traffic) visitOverHTTP(ctx context.Context, v *visit) (map[*move]string, error) {
	placed := map[*move]string{}
	for _, m := range v.moves {
		c := m.command
		if m.expires {
			m.command.ExpiresAt = time.Now().UTC().Add(holdFor)
		}
		path, fields := m.request(placed[m.on])
		body, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		status, answer, err := tr.request(ctx, v.twice, path, c.CommandID, body)
		if err != nil {
			return nil, err
		}
		var read struct {
			CommandID string             `json:"command_id"`
			Status    string             `json:"status"`
			Error     topics.RefusalCode `json:"error"`
			Message   string             `json:"message"`
		}
		if err := json.Unmarshal(answer, &read); err != nil {
			return nil, fmt.Errorf("POST %s: %d %s: %w", path, status, answer, err)
		}
		switch {
		case m.expires && read.Error == topics.RefusedInvalid && strings.Contains(read.Message, "expires_at"): // a kill took too long
		case read.Error != m.refusal || m.refusal == "" && read.Status != string(m.becomes):
			return nil, fmt.Errorf("POST %s: %d %s, should become %s", path, status, answer, outcome(m.becomes, m.refusal))
		case m.refusal == "":
			tr.mu.Lock()
			tr.books.commands[read.CommandID] = string(m.becomes)
			tr.mu.Unlock()
		}
		placed[m] = read.CommandID
	}
	return placed, nil
}
