package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// payoutInput is the part of an input that is for a payout; none of its Command, Report and Timer is set where none is.
type payoutInput struct {
	payouts.Input
	id       topics.PayoutID // zero where the record names none of this partition
	customer customerKey     // of a create command
}

func (p *payoutInput) is() bool { return p.Command != nil || p.Report != nil || p.Timer != nil }

// creates says whose payout a command may create, in its currency; ok is false where it is no such command.
func (p *payoutInput) creates() (c ledger.Customer, ok bool) {
	if p.customer == (customerKey{}) {
		return c, false
	}
	return ledger.Customer{Tenant: p.customer.tenant, ID: p.customer.id, Currency: ledger.Currency(p.Command.Command.Currency)}, true
}

// payoutCommand finds the ids of a payout command, as command does.
func (s *partition) payoutCommand(in *input, v *topics.AssessedPayoutCommand) error {
	c := &v.Command
	id, err := uuid.FromString(c.CommandID)
	if err != nil || c.Tenant == "" {
		return fmt.Errorf("command_id %.64q and tenant %.64q: want a UUID and a name", c.CommandID, c.Tenant)
	}
	in.id, in.fingerprint = newInputID(ofCommand, c.Tenant, id), c.Fingerprint()
	if c.CustomerID == "" {
		return nil // refused as it stands
	}
	s.belongs(in, c.Tenant, c.CustomerID)
	switch {
	case v.Refusal != nil || in.refused != "":
	case c.Type == topics.PayoutCreate:
		in.payout.id = topics.PayoutID{Partition: s.number, UUID: topics.PayoutKey(c.Tenant, id)}
		if _, ok := ledger.Currency(c.Currency).Exponent(); ok {
			in.payout.customer = customerKey{c.Tenant, c.CustomerID}
		}
	default:
		// A malformed id, or one of another partition, where this customer has none, names no payout.
		if pid, err := topics.ParsePayoutID(c.PayoutID); err == nil && pid.Partition == s.number {
			in.payout.id = pid
		}
	}
	return nil
}

// ownPayout finds the payout that a record of this partition must name.
func (s *partition) ownPayout(in *input, id, what string) error {
	pid, err := topics.ParsePayoutID(id)
	if err != nil {
		return err
	}
	if pid.Partition != s.number {
		return fmt.Errorf("payout %s stands in partition %d, the %s in %d", id, pid.Partition, what, s.number)
	}
	in.payout.id = pid
	return nil
}

// heldPayout is a payout in memory.
type heldPayout struct {
	*payouts.Payout                    // nil: the database has none of this id
	version         int64              // of the stored row
	stored          bool               // there is a row
	timer           topics.TimerChange // of the row in timers; Kind "": none
	positions       []int64            // of this batch's records that changed it
}

// payout is the payout in memory, an empty place where there is none. Load has read what the database has.
func (s *partition) payout(id topics.PayoutID) *heldPayout {
	h, ok := s.payouts.get(id.UUID)
	if !ok {
		h = &heldPayout{}
		if id != (topics.PayoutID{}) {
			s.payouts.put(id.UUID, h, 0)
		}
	}
	return h
}

// applyPayout folds an input for a payout.
func (s *partition) applyPayout(in *input, r *stream.Record) []stream.Output {
	w := &in.payout
	h := s.payout(w.id)
	// A report of a payout that is not here yet is not remembered: the same one may come again when it is.
	if in.id != (inputID{}) && (w.Command != nil || h.Payout != nil) {
		s.remember(in, r.Position)
	}
	state := payouts.State{Wallet: &s.absent.holder.state, Sources: &s.absent.holder.sources.state}
	if customer, ok := w.creates(); ok {
		holder := s.holder(w.customer)
		state = payouts.State{Wallet: &holder.state, Sources: &holder.sources.state, Balance: s.Balance(customer)}
	}
	events := payouts.Decide(w.id, h.Payout, state, &w.Input, r.Time, &s.payoutLimits)
	out := outputs{partition: s, record: r}
	for i := range events {
		s.foldPayout(in, h, &events[i], &out)
	}
	out.payoutDecision(w.Command, events)
	return out.all
}

// foldPayout books one event, folds it into memory and adds what is published of it.
func (s *partition) foldPayout(in *input, h *heldPayout, e *topics.PayoutEvent, out *outputs) {
	s.metrics.payoutEvent(e)
	if e.Type == topics.PayoutCommandRefused || h.Payout == nil && e.Created == nil {
		if customer, ok := in.payout.creates(); ok && e.Type == topics.PayoutCommandRefused && s.holder(in.payout.customer).state.In(customer.Currency) {
			balance := s.Balance(customer)
			e.Balance = &balance
		}
		out.payoutEvent(e)
		return
	}
	customer := ledger.Customer{Tenant: e.Tenant, ID: e.CustomerID, Currency: ledger.Currency(e.Currency)}
	if payouts.Moves(e) {
		balance := s.Balance(customer)
		entry, err := payouts.Post(h.Payout, e, ledger.Standing{Available: balance.Available, Debt: balance.Debt})
		if err != nil {
			panic(err)
		}
		if entry != nil {
			s.post(entry, about{e.Tenant, e.Region, e.CustomerID, "", e.TraceID}, out) // its reference names the payout
		}
		balance = s.Balance(customer)
		e.Balance = &balance
	}
	if err := s.evolvePayout(h, e, out.record.Position); err != nil {
		panic(err) // Decide gave an event that does not fit: a bug, of which the dead letter tells
	}
	out.payoutEvent(e)
	if request := payouts.Request(h.Payout, e); request != nil {
		out.add(topics.PSPRequests, topics.TypePSPRequest, aboutPayout(e), request)
	}
}

// evolvePayout folds an event into a payout and into what its customer may still be paid back.
func (s *partition) evolvePayout(h *heldPayout, e *topics.PayoutEvent, position int64) error {
	before := h.Payout.Taken()
	p, err := payouts.Evolve(h.Payout, e)
	if err != nil {
		return err
	}
	h.Payout = p
	n := len(h.positions)
	if n == 0 {
		s.dirtyPayouts = append(s.dirtyPayouts, h)
	}
	if n == 0 || h.positions[n-1] != position {
		h.positions = append(h.positions, position)
	}
	if p.Taken() != before {
		holder := s.holder(customerKey{p.Tenant, p.Customer})
		if holder.sources.state.PayOut(p, before) {
			s.touchSources(holder, position)
		}
	}
	return payouts.Check(p, e)
}

// tellPayout publishes that nothing became of a record for a payout. Nothing stored is touched.
func (s *partition) tellPayout(in *input, r *stream.Record, what topics.PayoutEventType, code topics.RefusalCode, detail string, out *outputs) {
	e := topics.PayoutEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: what, At: r.Time, Refusal: code, Detail: detail,
	}
	switch w := &in.payout; {
	case w.Command != nil:
		c := &w.Command.Command
		e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.CommandID, e.TraceID = c.Tenant, c.Region, c.CustomerID, c.PayoutID, c.CommandID, c.TraceID
	case w.Report != nil:
		e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.TraceID = w.Report.Tenant, w.Report.Region, w.Report.CustomerID, w.Report.PaymentID, w.Report.TraceID
	default:
		e.Tenant, e.CustomerID, e.PayoutID = w.Timer.Tenant, w.Timer.CustomerID, w.Timer.PaymentID
	}
	maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.PayoutID, &e.CommandID, &e.TraceID, &e.Detail)
	s.metrics.payoutEvent(&e)
	out.payoutEvent(&e)
}

func aboutPayout(e *topics.PayoutEvent) about {
	return about{e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.TraceID}
}

func (o *outputs) payoutEvent(e *topics.PayoutEvent) {
	o.add(topics.PayoutEvents, topics.TypePayoutEvent, aboutPayout(e), e)
}

// payoutDecision publishes the risk decision on a payout command, with the first event that it led to.
func (o *outputs) payoutDecision(in *topics.AssessedPayoutCommand, events []topics.PayoutEvent) {
	if in == nil || in.Decision == nil || len(events) == 0 {
		return
	}
	d, first := *in.Decision, &events[0]
	d.Tenant, d.CustomerID, d.PaymentID, d.At = first.Tenant, first.CustomerID, first.PayoutID, first.At
	d.Enrichment, d.Features = in.Enrichment, in.Features
	o.add(topics.Decisions, topics.TypeDecision, aboutPayout(first), &d)
}

// wantRestoredPayout asks for the payout that a published event speaks of, and where its customer's deposits came from.
func (s *partition) wantRestoredPayout(o *stream.Output, want *wanted) {
	id, err := topics.ParsePayoutID(o.Envelope.Subject)
	if err != nil || id.Partition != s.number {
		return // of a command that was refused
	}
	s.wantPayoutOf(id, want)
	s.wantSources(customerKey{o.Envelope.Tenant, string(o.Key)}, want)
}

func (s *partition) restorePayout(r *stream.Restored, o *stream.Output) error {
	var e topics.PayoutEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.PayoutDeadLettered {
		return nil
	}
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
		return err
	}
	id, err := topics.ParsePayoutID(e.PayoutID)
	if err != nil || id.Partition != s.number || e.Type == topics.PayoutCommandRefused {
		return nil
	}
	h := s.payout(id)
	if h.Payout == nil && e.Created == nil {
		return nil // a case of a payout that we do not know
	}
	if e.PSP != nil && e.PSP.Source == topics.SourceWebhook {
		if err := s.restoreInput(ofReport, e.Tenant, e.PSP.ReportID, e.EventID, r.Position); err != nil {
			return err
		}
	}
	return s.evolvePayout(h, &e, r.Position)
}
