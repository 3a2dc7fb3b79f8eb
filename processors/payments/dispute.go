package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// disputeInput is the part of an input that is for a dispute; none of its Command, Report and Timer is set where none is.
type disputeInput struct {
	disputes.Input
	id topics.DisputeID // zero where the record names none of this partition
}

func (d *disputeInput) is() bool { return d.Command != nil || d.Report != nil || d.Timer != nil }

// disputeCommand finds the ids of a dispute command, as command does.
func (s *partition) disputeCommand(in *input, v *topics.AssessedDisputeCommand) error {
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
	// A malformed id, or one of another partition, where this customer has none, names no dispute.
	if did, err := topics.ParseDisputeID(c.DisputeID); err == nil && did.Partition == s.number {
		in.dispute.id = did
	}
	return nil
}

// disputeReport finds the payment that a report of this partition must name, and the dispute of it.
func (s *partition) disputeReport(in *input, r *topics.PSPReport) error {
	pid, err := s.address(in, r.PaymentID)
	if err != nil {
		return err
	}
	if pid.Partition != s.number {
		return fmt.Errorf("payment %s stands in partition %d, the report in %d", r.PaymentID, pid.Partition, s.number)
	}
	if r.Dispute != nil && r.Dispute.Reference != "" {
		in.dispute.id = topics.DisputeIDOf(r.Tenant, pid, r.PSP, r.Dispute.Reference)
	}
	return nil
}

// disputeTimer finds the dispute whose timer has run out.
func (s *partition) disputeTimer(in *input, id string) error {
	did, err := topics.ParseDisputeID(id)
	if err != nil {
		return err
	}
	if did.Partition != s.number {
		return fmt.Errorf("dispute %s stands in partition %d, the timer in %d", id, did.Partition, s.number)
	}
	in.dispute.id = did
	return nil
}

// heldDispute is a dispute in memory.
type heldDispute struct {
	*disputes.Dispute                    // nil: the database has none of this id
	version           int64              // of the stored row
	stored            bool               // there is a row
	timer             topics.TimerChange // of the row in timers; Kind "": none
	positions         []int64            // of this batch's records that changed it
}

// dispute is the dispute in memory, an empty place where there is none. Load has read what the database has.
func (s *partition) dispute(id topics.DisputeID) *heldDispute {
	h, ok := s.disputes.get(id.UUID)
	if !ok {
		h = &heldDispute{}
		if id != (topics.DisputeID{}) {
			s.disputes.put(id.UUID, h, 0)
		}
	}
	return h
}

// disputed is the key of the payment that an input for a dispute is about; zero where that is not known.
func (s *partition) disputed(in *input) paymentKey {
	if in.dispute.Report != nil {
		return in.payment
	}
	if h, _ := s.disputes.get(in.dispute.id.UUID); h != nil && h.Dispute != nil {
		if id, err := topics.ParsePaymentID(h.Dispute.Payment); err == nil {
			return id.UUID
		}
	}
	return paymentKey{}
}

// applyDispute folds an input for a dispute, and what that changes of its payment.
func (s *partition) applyDispute(in *input, r *stream.Record) []stream.Output {
	w := &in.dispute
	h, payment := s.dispute(w.id), s.held(s.disputed(in))
	// A report of a payment that is not here yet is not remembered: the same one may come again when it is.
	if in.id != (inputID{}) && (w.Command != nil || payment.Payment != nil) {
		s.remember(in, r.Position)
	}
	before := h.Dispute.Clone()
	events := disputes.Decide(w.id, h.Dispute, payment.Payment, &w.Input, r.Time, &s.disputeLimits)
	out := outputs{partition: s, record: r}
	for i := range events {
		s.foldDispute(h, payment.Payment, &events[i], &out)
	}
	s.metrics.fared.changed(before, h.Dispute, events)
	if change := disputes.Change(before, h.Dispute); change != nil {
		id := topics.EventID{Partition: s.number, Position: r.Position} // the payment's only event of the record
		e := lifecycle.Dispute(payment.Payment, id, change, events[0].At, events[0].TraceID)
		s.fold(in, payment, &e, &out)
	}
	return out.all
}

// foldDispute books one event, folds it into memory and adds what is published of it. payment is as it was before the record.
func (s *partition) foldDispute(h *heldDispute, payment *lifecycle.Payment, e *topics.DisputeEvent, out *outputs) {
	s.metrics.disputeEvent(e)
	if e.Type == topics.DisputeCommandRefused || h.Dispute == nil && e.Opened == nil {
		out.disputeEvent(e)
		return
	}
	if disputes.Moves(e) {
		customer := payment.Ledger()
		balance := s.Balance(customer)
		entry, err := disputes.Post(h.Dispute, payment, e, ledger.Standing{Available: balance.Available, Debt: balance.Debt})
		if err != nil {
			panic(err)
		}
		s.post(entry, about{e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID}, out)
		if s.holder(customerKey{customer.Tenant, customer.ID}).state.In(customer.Currency) {
			balance = s.Balance(customer)
			e.Balance = &balance
		}
	}
	if err := s.evolveDispute(h, e, out.record.Position); err != nil {
		panic(err) // Decide gave an event that does not fit: a bug, of which the dead letter tells
	}
	out.disputeEvent(e)
	if request := disputes.Request(h.Dispute, payment, e); request != nil {
		out.add(topics.PSPRequests, topics.TypePSPRequest, about{e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID}, request)
	}
}

func (s *partition) evolveDispute(h *heldDispute, e *topics.DisputeEvent, position int64) error {
	p, err := disputes.Evolve(h.Dispute, e)
	if err != nil {
		return err
	}
	h.Dispute = p
	n := len(h.positions)
	if n == 0 {
		s.dirtyDisputes = append(s.dirtyDisputes, h)
	}
	if n == 0 || h.positions[n-1] != position {
		h.positions = append(h.positions, position)
	}
	return disputes.Check(p, e)
}

// tellDispute publishes that nothing became of a record for a dispute. Nothing stored is touched.
func (s *partition) tellDispute(in *input, r *stream.Record, what topics.DisputeEventType, code topics.RefusalCode, detail string, out *outputs) {
	e := topics.DisputeEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: what, At: r.Time, Refusal: code, Detail: detail,
	}
	switch w := &in.dispute; {
	case w.Command != nil:
		c := &w.Command.Command
		e.Tenant, e.Region, e.CustomerID, e.DisputeID, e.CommandID, e.TraceID = c.Tenant, c.Region, c.CustomerID, c.DisputeID, c.CommandID, c.TraceID
	case w.Report != nil:
		e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID = w.Report.Tenant, w.Report.Region, w.Report.CustomerID, w.Report.PaymentID, w.Report.TraceID
	default:
		e.Tenant, e.CustomerID, e.DisputeID = w.Timer.Tenant, w.Timer.CustomerID, w.Timer.PaymentID
	}
	maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.DisputeID, &e.PaymentID, &e.CommandID, &e.TraceID, &e.Detail)
	s.metrics.disputeEvent(&e)
	out.disputeEvent(&e)
}

func (o *outputs) disputeEvent(e *topics.DisputeEvent) {
	o.add(topics.DisputeEvents, topics.TypeDisputeEvent, about{e.Tenant, e.Region, e.CustomerID, e.DisputeID, e.TraceID}, e)
}

// wantRestoredDispute asks for the dispute that a published event speaks of.
func (s *partition) wantRestoredDispute(o *stream.Output, want *wanted) {
	if id, err := topics.ParseDisputeID(o.Envelope.Subject); err == nil && id.Partition == s.number {
		s.wantDispute(id, want)
	}
}

func (s *partition) restoreDispute(r *stream.Restored, o *stream.Output) error {
	var e topics.DisputeEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.DisputeDeadLettered {
		return nil
	}
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
		return err
	}
	if e.PSP != nil && e.PSP.Source == topics.SourceWebhook && e.PSP.ReportID != "" {
		if err := s.restoreInput(ofReport, e.Tenant, e.PSP.ReportID, e.EventID, r.Position); err != nil {
			return err
		}
	}
	id, err := topics.ParseDisputeID(e.DisputeID)
	if err != nil || id.Partition != s.number || e.Type == topics.DisputeCommandRefused {
		return nil
	}
	h := s.dispute(id)
	if h.Dispute == nil && e.Opened == nil {
		return nil // a case of a dispute that we do not know
	}
	return s.evolveDispute(h, &e, r.Position)
}
