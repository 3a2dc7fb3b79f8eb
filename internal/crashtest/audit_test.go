package crashtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// settle waits until nothing is awaited any more: the PSPs owe nothing, and all of the inbox is applied and told.
func (s *storm) settle(ctx context.Context, db *database.DB, admin *kadm.Client) {
	s.t.Helper()
	state := ""
	err := until(ctx, settleLimit, func() (bool, error) {
		owed := 0
		for _, m := range s.world.psps {
			var sum sandbox.Summary
			s.book(ctx, m, "/v1/test/summary", &sum)
			owed += sum.Owed + int(m.late.Load())
		}
		ends, err := admin.ListEndOffsets(ctx, topics.Inbox)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return false, err
		}
		behind := int64(0)
		for partition, m := range s.applied(ctx, db) {
			end, _ := ends.Lookup(topics.Inbox, partition)
			behind += end.Offset - m
		}
		restless := s.told.restless()
		state = fmt.Sprintf("the PSPs owe %d, %d records are not applied, %d are under way: %v", owed, behind, len(restless), restless[:min(len(restless), maxShown)])
		return owed == 0 && behind == 0 && len(restless) == 0, nil
	})
	if err != nil {
		s.t.Errorf("not settled: %v: %s", err, state)
		for _, line := range s.told.restless() {
			id, _, _ := strings.Cut(line, " ")
			s.t.Logf("%s:\n%s", id, s.story(id))
			break
		}
	}
}

// book reads what a PSP holds, past its front.
func (s *storm) book(ctx context.Context, m *misbehaving, path string, into any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.sandbox.URL()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.read(request, into)
}

// view reads what the API shows.
func (s *storm) view(ctx context.Context, path string, into any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.world.engines[0].url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	s.read(request, into)
}

func (s *storm) read(request *http.Request, into any) {
	s.t.Helper()
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := drain(response.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %d %v: %s", request.URL, response.StatusCode, err, body)
	}
}

// operation is one that the API shows of a payment, or an attempt at a payout as its events tell.
type operation struct {
	ID    string
	Type  string
	State string
	PSP   string
}

// shown is a payment or payout in the API.
type shown struct {
	Status             string
	Captured, Refunded int64
	Operations         []operation
}

// accounts is all that is known of one payment or payout at the end.
type accounts struct {
	id    string
	life  *life
	shown shown
	held  map[string][]sandbox.Payment // by PSP
	wrong []string
}

func (a *accounts) error(format string, args ...any) {
	a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
}

func (a *accounts) equal(what string, got, want int64) {
	if got != want {
		a.error("%s: %d, want %d", what, got, want)
	}
}

// audit compares, for each payment and payout, the books of the PSPs, the events, the entries and what the API shows.
func (s *storm) audit(ctx context.Context) {
	s.t.Helper()
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	wrong := slices.Clone(s.told.wrong)
	held := map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(s.told.lives)) {
		a := &accounts{id: id, life: s.told.lives[id], held: map[string][]sandbox.Payment{}}
		for _, m := range s.world.psps {
			var all []sandbox.Payment
			s.book(ctx, m, "/v1/payments/"+id, &all)
			a.held[m.name] = all
			held[m.name] += len(all)
		}
		if a.life.payout {
			s.view(ctx, "/v1/payouts/"+id, &a.shown)
			a.payout(s.paid)
		} else {
			s.view(ctx, "/v1/intents/"+id, &a.shown)
			a.payment(s.payments, s.asked[id])
		}
		if len(a.wrong) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %s", id, strings.Join(a.wrong, "; ")))
			if len(wrong) <= 3 {
				s.t.Logf("%s:\n%s", id, s.storyLocked(id))
			}
		}
	}
	for _, m := range s.world.psps {
		var sum sandbox.Summary
		s.book(ctx, m, "/v1/test/summary", &sum)
		if sum.Payments != held[m.name] {
			wrong = append(wrong, fmt.Sprintf("PSP %s holds %d payments and payouts, of which %d are known", m.name, sum.Payments, held[m.name]))
		}
	}
	for id, kind := range s.commands {
		told := false
		for _, l := range s.told.lives {
			told = told || l.commands[id] != nil
		}
		if !told {
			wrong = append(wrong, fmt.Sprintf("%s command %s was acknowledged and no event tells of it", kind, id))
		}
	}
	s.some("audit", wrong)
}

// performed compares the PSPs' operations with those that are shown, one by one.
func (a *accounts) performed(states map[string]*operation) {
	for _, op := range states {
		if op.State == "requested" || op.State == "unknown" || op.State == "pending" {
			a.error("%s %s is %s", op.Type, op.ID, op.State)
		}
	}
	done := map[string]bool{}
	for psp, payments := range a.held {
		for _, p := range payments {
			for _, o := range p.Operations {
				op := states[o.RequestID]
				if op == nil {
					a.error("the PSP %s performed %s %s, and nobody asked for it", psp, o.Operation, o.RequestID)
					continue
				}
				if done[o.RequestID] {
					a.error("%s %s was performed twice", o.Operation, o.RequestID)
				}
				done[o.RequestID] = true
				if op.PSP != "" && op.PSP != psp {
					a.error("%s %s was performed by %s, and asked of %s", o.Operation, o.RequestID, psp, op.PSP)
				}
				want := map[sandbox.Status]string{sandbox.Approved: "succeeded", sandbox.Reversed: "reversed", sandbox.Declined: "failed", sandbox.Failed: "failed"}[o.Status]
				if o.Status == sandbox.Reversed && op.State == "failed" {
					continue // given up before it was performed, and taken back since: nothing has moved
				}
				if want != "" && op.State != want {
					a.error("%s %s is %s at %s and shown as %s", o.Operation, o.RequestID, o.Status, psp, op.State)
				}
			}
		}
	}
	for id, op := range states {
		if op.State == "succeeded" && !done[id] {
			a.error("%s %s is shown as succeeded, and no PSP performed it", op.Type, id)
		}
	}
}

func (a *accounts) payment(asked map[string]*payment, followed map[topics.EventType]int) {
	l, p := a.life, asked[a.id]
	if p == nil {
		a.error("nobody asked for it")
		return
	}
	states := map[string]*operation{}
	for i := range a.shown.Operations {
		states[a.shown.Operations[i].ID] = &a.shown.Operations[i]
	}
	a.performed(states)
	var captured, refunded, fees int64
	charged := 0
	for _, payments := range a.held {
		for _, p := range payments {
			captured += p.Captured
			refunded += p.Refunded
			if p.Captured > p.Refunded {
				charged++
			}
			for _, o := range p.Operations {
				if o.Captured && o.Operation == sandbox.Authorize || o.Operation == sandbox.Capture && o.Status == sandbox.Approved {
					fees += o.Fee
				}
			}
		}
	}
	unreleased := l.cases[topics.RefusedNotReleased] > 0 // a card that no refund comes back to: a person was told
	if charged > 1 && !unreleased {
		a.error("%d authorisations are charged", charged)
	}
	if captured-refunded > l.asked && !unreleased {
		a.error("%d are captured and not refunded, of a payment of %d", captured-refunded, l.asked)
	}
	a.equal("captured, by the PSPs and by the events", captured, l.totals.Captured+l.stray.Captured)
	a.equal("refunded, by the PSPs and by the events", refunded, l.totals.Refunded+l.stray.Refunded)
	a.equal("captured, by the API and by the events", a.shown.Captured, l.totals.Captured)
	a.equal("refunded, by the API and by the events", a.shown.Refunded, l.totals.Refunded)
	a.equal("refunding", l.totals.Refunding, 0)
	net := l.accounts["psp_receivable"] + l.accounts["psp_fees"]
	a.equal("what the PSPs hold for us, by the entries and by the PSPs", net, captured-refunded)
	a.equal("fees, by the entries and by the PSPs", l.accounts["psp_fees"], fees)
	a.equal("what the customer has of it", -l.accounts["customer_wallet"]-l.accounts["customer_debt"], l.totals.Captured-l.totals.Refunded)
	a.equal("refunds in flight", l.accounts["refunds_in_flight"], 0)
	a.equal("suspense", -l.accounts["suspense"], l.stray.Captured-l.stray.Refunded)
	if captured > 0 && l.counts[string(topics.EventCaptured)]+l.counts[string(topics.EventStrayCaptured)] == 0 {
		a.error("captured, and no event says so")
	}
	a.once()
	for kind, n := range followed {
		if kind == topics.EventVoidRequested {
			continue // weir asks for one, too
		}
		if kind == topics.EventCaptureRequested && p.create.CaptureMethod == topics.CaptureAutomatic {
			n++ // weir asks, where the PSP has authorised only
		}
		if l.counts[string(kind)] > n {
			a.error("%d %s events, and %d were asked for", l.counts[string(kind)], kind, n)
		}
	}
}

// once: a command is carried out once.
func (a *accounts) once() {
	if n := a.life.counts["created"]; n != 1 && a.life.status != "blocked" {
		a.error("%d created events", n)
	}
	for command, kinds := range a.life.commands {
		for kind, n := range kinds {
			if n > 1 {
				a.error("command %s: %d %s events", command, n, kind)
			}
		}
	}
}

func (a *accounts) payout(asked map[string]bool) {
	l := a.life
	if !asked[a.id] {
		a.error("nobody asked for it")
	}
	a.performed(l.attempts)
	if a.shown.Status != l.status {
		a.error("is %s by the API, and %s by the events", a.shown.Status, l.status)
	}
	var paid int64
	for _, payments := range a.held {
		for _, p := range payments {
			paid += p.PaidOut
		}
	}
	want, aside := int64(0), int64(0)
	switch topics.PayoutStatus(l.status) {
	case topics.PayoutStatusPaid:
		want = l.asked
	case topics.PayoutStatusHeld:
		aside = l.asked
	}
	a.equal("paid out, by the PSPs", paid, want)
	a.equal("what the customer gave", l.accounts["customer_wallet"]+l.accounts["customer_debt"], want+aside)
	a.equal("set aside", -l.accounts["customer_hold"], aside)
	a.equal("in flight", l.accounts["payouts_in_flight"], 0)
	a.equal("what the PSPs paid, by the entries", -l.accounts["psp_receivable"]-l.accounts["psp_fees"], want)
	a.once()
}

// story is all that was told of a payment or payout, and what the PSPs hold of it.
func (s *storm) story(id string) string {
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	return s.storyLocked(id)
}

func (s *storm) storyLocked(id string) string {
	var text strings.Builder
	if l := s.told.lives[id]; l != nil {
		fmt.Fprintf(&text, "customer %s, accounts %v\n%s\n", l.customer, l.accounts, strings.Join(l.log, "\n"))
	}
	for _, m := range s.world.psps {
		var all []sandbox.Payment
		s.book(s.t.Context(), m, "/v1/payments/"+id, &all)
		for _, p := range all {
			fmt.Fprintf(&text, "at %s: %+v\n", m.name, p)
		}
	}
	return text.String()
}

// closeBooks settles, audits, and checks what every test of traffic checks.
func (s *storm) closeBooks() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), settleLimit+checkLimit)
	defer cancel()
	db := s.world.openDatabase(ctx)
	client, err := kgo.NewClient(s.world.kafka()...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	s.settle(ctx, db, kadm.NewClient(client))
	s.audit(ctx)
	s.fsck(ctx, db)
	s.repeats(ctx)
}
