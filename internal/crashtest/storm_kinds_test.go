package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// The kinds of payments that a storm knows beside a card's own, and disputes of all of them.

// payByMethod has a payer pay by a bank or a code.
func (s *storm) payByMethod(ctx context.Context, r *rand.Rand, n, customer int) error {
	create := s.order(r, fmt.Sprint("method/", s.seed), n, customer)
	create.Card, create.CaptureMethod, create.PaymentMethod = nil, topics.CaptureAutomatic, method(r)
	return s.pay(ctx, r, n, create)
}

// method is one that pays all at once and for good, or not at all. What comes in parts, twice, or goes back by itself is not in the
// storm: the audit does not explain yet all that becomes of such sums when their attempt is given up meanwhile.
func method(r *rand.Rand) *topics.PaymentMethod {
	all := slices.DeleteFunc(sandbox.Behaviours(), func(b sandbox.Behaviour) bool {
		return b.Method == "crypto" || b.Name == "returned" || b.Name == "paid_twice"
	})
	b := all[r.IntN(len(all))]
	return &topics.PaymentMethod{Type: b.Method, Name: b.Name}
}

// agree has a customer agree to later payments, and asks for some of them, two at a time now and then. Some mandates are revoked
// between.
func (s *storm) agree(ctx context.Context, r *rand.Rand, n, customer int) error {
	create := s.order(r, fmt.Sprint("agree/", s.seed), n, customer)
	create.SetupMandate = &topics.MandateTerms{Kind: []topics.MandateKind{topics.MandateRecurring, topics.MandateUnscheduled}[r.IntN(2)]}
	id, err := s.create(ctx, r, n, &create)
	if err != nil {
		return err
	}
	s.until(ctx, id, false)
	of, err := topics.ParsePaymentID(id)
	if err != nil {
		return err
	}
	for i := range 1 + r.IntN(3) {
		by := s.order(r, create.CommandID+"/by", i, customer)
		by.Card, by.Mandate = nil, of.MandateID()
		also := by
		also.CommandID = commandID(create.CommandID+"/also", i)
		var beside sync.WaitGroup
		if r.IntN(3) == 0 {
			other := rand.New(rand.NewPCG(s.seed, r.Uint64()))
			beside.Go(func() {
				if err := s.pay(ctx, other, n, also); err != nil && ctx.Err() == nil {
					s.problem("actor %d: %v", n, err)
				}
			})
		}
		if r.IntN(6) == 0 {
			if _, err := s.ask(ctx, r, "/v1/mandates/"+by.Mandate+"/revoke", commandID(create.CommandID+"/revoke", i), map[string]any{}); err != nil {
				return err
			}
		}
		err := s.pay(ctx, r, n, by)
		beside.Wait()
		if err != nil {
			return err
		}
	}
	return nil
}

// payByLink makes a payment link, and has more payers open it than may pay, most of them at the same time.
func (s *storm) payByLink(ctx context.Context, r *rand.Rand, n, customer int) error {
	like := s.order(r, fmt.Sprint("link/", s.seed), n, customer)
	uses := 1 + r.IntN(2)
	answer, err := s.ask(ctx, r, "/v1/payment-links", like.CommandID, map[string]any{"customer_id": like.CustomerID, "amount": like.Amount,
		"currency": like.Currency, "description": "shoes", "max_uses": uses, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	var link struct{ ID string }
	if err := json.Unmarshal(answer, &link); err != nil || !strings.HasPrefix(link.ID, "lnk_") {
		return fmt.Errorf("POST /v1/payment-links: %w: %s", err, answer)
	}
	s.known.Lock()
	s.links[link.ID] = uses
	s.known.Unlock()
	var paying sync.WaitGroup
	for i := range uses + 2 {
		create := s.order(r, like.CommandID+"/by", i, customer)
		create.LinkID, create.Amount = link.ID, like.Amount
		if r.IntN(2) == 0 {
			create.Card, create.CaptureMethod, create.PaymentMethod = nil, topics.CaptureAutomatic, method(r)
		}
		payer := rand.New(rand.NewPCG(s.seed, r.Uint64()))
		paying.Go(func() {
			if err := s.pay(ctx, payer, n, create); err != nil && ctx.Err() == nil {
				s.problem("actor %d: %v", n, err)
			}
		})
		if i == uses { // the last one comes later
			paying.Wait()
		}
	}
	defer paying.Wait()
	if r.IntN(4) == 0 {
		_, err = s.ask(ctx, r, "/v1/payment-links/"+link.ID+"/cancel", commandID(like.CommandID, 1), map[string]any{})
	}
	return err
}

// contest answers a dispute that stands open, or gives it up.
func (s *storm) contest(ctx context.Context, r *rand.Rand, n int) error {
	id := s.told.disputed(r)
	if id == "" {
		return nil
	}
	key := commandID(fmt.Sprint("contest/", s.seed), n)
	if r.IntN(4) == 0 {
		_, err := s.ask(ctx, r, "/v1/disputes/"+id+"/accept", key, map[string]any{})
		return err
	}
	_, err := s.ask(ctx, r, "/v1/disputes/"+id+"/evidence", key, map[string]any{"text": "It was used since."})
	return err
}

// dispute is what the events say of one.
type dispute struct {
	status string
	asked  map[string]bool // requests to the PSP
}

func (d *dispute) resting() bool {
	return d.status != string(topics.DisputeStatusSubmitting) && d.status != string(topics.DisputeStatusAccepting)
}

// link is what the events say of a payment link.
type link struct {
	captured int
	overpaid bool // a case was opened
}

func (c *chronicle) dispute(e *topics.DisputeEvent) {
	l := c.life(e.PaymentID, false)
	l.counts["dispute "+string(e.Type)]++
	l.log = append(l.log, fmt.Sprintf("%s dispute %s %s amount %d request %s %s %s → %s", e.EventID, e.Type, e.At.Format("15:04:05.000"), e.Amount, e.RequestID,
		e.Refusal, e.Detail, e.Status))
	if e.CommandID != "" {
		if l.commands[e.CommandID] == nil {
			l.commands[e.CommandID] = map[string]int{}
		}
		l.commands[e.CommandID]["dispute "+string(e.Type)]++
	}
	if e.Type == topics.DisputeCaseOpened {
		l.contested[e.Refusal]++
	}
	if e.DisputeID == "" || e.Status == "" {
		return
	}
	d := l.disputes[e.DisputeID]
	if d == nil {
		d = &dispute{asked: map[string]bool{}}
		l.disputes[e.DisputeID] = d
		c.disputes = append(c.disputes, e.DisputeID)
		c.lifeOf[e.DisputeID] = l
	}
	d.status = string(e.Status)
	if e.Type == topics.DisputeEvidenceRequested || e.Type == topics.DisputeAcceptanceRequested {
		d.asked[e.EventID] = true
	}
}

func (c *chronicle) link(e *topics.LinkEvent) {
	l := c.links[e.LinkID]
	if l == nil {
		l = &link{}
		c.links[e.LinkID] = l
	}
	if e.Uses != nil {
		l.captured = e.Uses.Captured
	}
	l.overpaid = l.overpaid || e.Type == topics.LinkCaseOpened
}

// mandate follows what becomes of mandates: nobody is asked by one that has ended. All that is of one is in one partition, in order.
func (c *chronicle) mandate(l *life, e *topics.PaymentEvent) {
	switch e.Type {
	case topics.EventCreated:
		if e.Created.Mandate != nil {
			l.mandate = e.Created.Mandate.MandateID
		}
		l.link = e.Created.LinkID
	case topics.EventAuthorizationRequested:
		if c.ended[l.mandate] {
			c.wrong = append(c.wrong, fmt.Sprintf("%s: %s by a mandate that had ended", e.PaymentID, e.EventID))
		}
	case topics.EventMandateRevoked, topics.EventMandateExpired, topics.EventMandateFailed:
		if id, err := topics.ParsePaymentID(e.PaymentID); err == nil {
			c.ended[id.MandateID()] = true
		}
	}
}

// disputed is a dispute that an answer is wanted to, or any; "" where there is none.
func (c *chronicle) disputed(r *rand.Rand) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	latest := c.disputes[max(0, len(c.disputes)-20):]
	if len(latest) == 0 {
		return ""
	}
	for _, at := range r.Perm(len(latest)) {
		if c.lifeOf[latest[at]].disputes[latest[at]].status == string(topics.DisputeStatusNeedsResponse) {
			return latest[at]
		}
	}
	return latest[r.IntN(len(latest))]
}

// drained waits until all that is logged was read.
func (c *chronicle) drained(ctx context.Context, logged map[string]map[int32][]string) error {
	return until(ctx, quietLimit, func() (bool, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for topic, byPartition := range logged {
			n := 0
			for _, ids := range byPartition {
				n += len(ids)
			}
			if c.read[topic] < n {
				return false, nil
			}
		}
		return true, nil
	})
}

// contest: what the PSPs took and gave back by disputes is booked, but for disputes of what is not the payment's, of which a person
// was told. It returns what of it stands beside the books, and the fees that are booked.
func (a *accounts) contest() (taken, fees int64) {
	var beside [][2]int64 // that a person was told of, or may have been
	for _, payments := range a.held {
		for _, p := range payments {
			charged := int64(0)
			for _, o := range p.Operations {
				switch o.Status {
				case sandbox.FeeCharged:
					charged += o.Amount
				case sandbox.FeeReturned:
					charged -= o.Amount
				}
			}
			taken += p.Disputed
			fees += charged
			if p.Disputed != 0 || charged != 0 {
				beside = append(beside, [2]int64{p.Disputed, charged})
			}
		}
	}
	booked := a.life.accounts["chargeback_fees"]
	if a.life.contested[topics.RefusedUnmatchedReport] > 0 && (a.life.totals.Disputed != taken || booked != fees) {
		for which := range 1 << len(beside) {
			left, charged := taken, fees
			for i, of := range beside {
				if which>>i&1 == 1 {
					left, charged = left-of[0], charged-of[1]
				}
			}
			if left == a.life.totals.Disputed && charged == booked {
				taken, fees = left, charged
				break
			}
		}
	}
	a.equal("taken by disputes, by the PSPs and by the events", a.life.totals.Disputed, taken)
	a.equal("fees of disputes", booked, fees)
	for id, d := range a.life.disputes {
		if d.status == "" {
			a.error("dispute %s: nothing is told", id)
		}
	}
	return taken, booked
}

// answered says that an operation of a PSP is of a dispute: nobody asks for what it tells, and each answer was asked for once.
func (a *accounts) answered(o *sandbox.Operation, psp string, done map[string]bool) bool {
	switch o.Operation {
	case sandbox.Dispute:
		return true
	case sandbox.DisputeEvidence, sandbox.DisputeAccept:
	default:
		return false
	}
	asked := false
	for _, d := range a.life.disputes {
		asked = asked || d.asked[o.RequestID]
	}
	if !asked || done[o.RequestID] {
		a.error("the PSP %s has %s %s; asked for: %t, before: %t", psp, o.Operation, o.RequestID, asked, done[o.RequestID])
	}
	done[o.RequestID] = true
	return true
}

// received are the books of a payment that no card pays: what the PSPs hold of it, each sum that they told of, is the customer's or
// stands in suspense. What came by an attempt that was given up in another amount than was asked for moves nothing: a person was told.
func (a *accounts) received(held, net, fees int64) {
	l := a.life
	suspended := l.totals.Unapplied + l.stray.Captured - l.stray.Refunded
	booked := l.totals.Captured - l.totals.Refunded + suspended
	if l.cases[topics.RefusedAmountMismatch]+l.cases[topics.RefusedUnmatchedReport]+l.cases[topics.RefusedDuplicateOperation] == 0 {
		a.equal("held by the PSPs, and by the events", booked, held)
		if l.counts[string(topics.EventReturned)]+l.counts[string(topics.EventUnappliedReturned)]+l.counts[string(topics.EventStrayCaptured)]+l.counts[string(topics.EventDeclined)] == 0 { // else the PSP does not show what it charged
			a.equal("fees, by the entries and by the PSPs", l.accounts["psp_fees"], fees)
		}
	}
	a.equal("what the PSPs hold for us, by the entries and by the events", net, booked)
	a.share(suspended)
}

// linked: no link is paid more often than it may be, unless a person was told.
func (s *storm) linked() (wrong []string) {
	paid := map[string]int{}
	for _, l := range s.told.lives {
		if l.link != "" && l.counts[string(topics.EventCaptured)] > 0 {
			paid[l.link]++
		}
	}
	for id, uses := range s.links {
		l := s.told.links[id]
		if l == nil {
			wrong = append(wrong, fmt.Sprintf("link %s was made, and no event tells of it", id))
			continue
		}
		if l.captured != paid[id] || paid[id] > uses && !l.overpaid {
			wrong = append(wrong, fmt.Sprintf("link %s: %d payments took money, %d by its events, of %d; a case: %t", id, paid[id], l.captured, uses, l.overpaid))
		}
	}
	return wrong
}

// kinds are what a life shows of the kinds of payments beside a card's own.
func (l *life) kinds() (shown []string) {
	for event := range l.counts {
		switch {
		case strings.HasPrefix(event, "dispute "), strings.HasPrefix(event, "mandate_"), strings.HasPrefix(event, "unapplied_"), event == string(topics.EventReturned):
			shown = append(shown, event)
		case l.mandate != "":
			shown = append(shown, "by a mandate: "+event)
		case l.link != "":
			shown = append(shown, "by a link: "+event)
		}
	}
	return shown
}

// wantedKinds are those that it must show.
func wantedKinds() []string {
	return []string{
		"dispute " + string(topics.DisputeFundsWithdrawn), "dispute " + string(topics.DisputeLost), string(topics.EventMandateActivated), string(topics.EventMandateRevoked),
		"by a mandate: " + string(topics.EventCaptured), "by a mandate: " + string(topics.EventQueued), "by a link: " + string(topics.EventCaptured),
	}
}
