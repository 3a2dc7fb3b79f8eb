package payments

import (
	"log/slog"
	"strconv"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
	ledgerstore "github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// partition is the stream.State of one partition. Only Background runs beside the other methods; it shares nothing with
// them but the configuration.
type partition struct {
	number  int32
	config  *Config
	metrics *metrics
	log     *slog.Logger

	payments *cache[paymentKey, *held]
	payouts  *cache[uuid.UUID, *heldPayout] // by the UUIDs of their ids
	links    *cache[uuid.UUID, *heldLink]   // by the UUIDs of their ids
	disputes *cache[uuid.UUID, *heldDispute]
	// customers are their records, by the keys of wallets.
	customers *cache[uuid.UUID, *heldCustomer]
	holders   *cache[customerKey, *holder]
	holds     *cache[uuid.UUID, *part[wallets.Hold]]  // by their keys
	rounds    *cache[uuid.UUID, *part[wallets.Round]] // by their keys
	absent    absent
	closed    map[string]ledger.Month // by tenant: the last closed period
	balances  *ledger.Balances        // of the holders in the cache

	payoutLimits  payouts.Limits
	disputeLimits disputes.Limits

	restoring bool // from what was published
	limited   bool // some customer may have responsible-gaming limits

	// Of the batch in hand.
	inputs     map[int64]*input               // decoded by Load
	created    map[paymentKey]ledger.Customer // whose payments the batch creates
	applied    map[inputID]int64              // fingerprints of the batch's ids that were folded before, or earlier in the batch
	fresh      []freshInput                   // folded in this batch
	dirty      []*held
	changed    changed
	entries    []ledger.Entry
	periods    []closedPeriod
	ledger     *ledgerstore.Writer
	columns    columns
	references referenceColumns
	mandates   mandateColumns
	wallets    walletColumns

	dirtyPayouts  []*heldPayout
	payoutColumns payoutColumns
	dirtyLinks    []*heldLink
	linkColumns   linkColumns

	dirtyDisputes  []*heldDispute
	disputeColumns disputeColumns

	dirtyCustomers  []*heldCustomer
	customerColumns customerColumns
}

// held is a payment in memory.
type held struct {
	*lifecycle.Payment                    // nil: the database has none of this id
	version            int64              // of the stored row
	stored             bool               // there is a row
	timer              topics.TimerChange // of the row in timers; Kind "": none
	positions          []int64            // of this batch's records that changed it
}

// Apply folds one record.
func (s *partition) Apply(r stream.Record) ([]stream.Output, *stream.DeadLetter) {
	in := s.take(&r)
	if in.err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: in.err.Error()}
	}
	if in.event != nil {
		return s.applyEvent(in, &r)
	}
	switch s.repetition(in) {
	case repeated:
		s.metrics.repeated.Inc()
		return nil, nil
	case reused:
		return s.refuse(in, &r, topics.RefusedDuplicateCommand, "command_id: was used for another command; want a new one"), nil
	}
	if in.refused != "" {
		s.remember(in, r.Position)
		return s.refuse(in, &r, topics.RefusedInvalid, in.refused), nil
	}
	if in.wallet.is() {
		return s.applyWallet(in, &r), nil
	}
	if in.payout.is() {
		return s.applyPayout(in, &r), nil
	}
	if in.link.is() {
		return s.applyLink(in, &r), nil
	}
	if in.dispute.is() {
		return s.applyDispute(in, &r), nil
	}
	if in.closing != nil {
		return s.closePeriod(in, &r), nil
	}
	if in.customer != nil {
		return s.applyCustomer(in, &r), nil
	}
	h := s.held(in.payment)
	if in.reads() && h.Payment != nil {
		in.Balance, in.Waits = s.Balance(h.Ledger()), s.waits(h.Payment)
	} else if customer, ok := s.creates(in); ok {
		in.Balance = s.Balance(customer)
	}
	link := s.linkOf(h, in)
	var used links.State // before
	if link != nil {
		if used = links.UseOf(h.Payment); h.Payment == nil {
			in.Link = s.refuseByLink(link, in, &r)
		}
	}
	s.checkDeposit(h, in, &r)
	by := s.mandate(in)
	events := lifecycle.Decide(h.Payment, in.Input, r.Time, &s.config.Limits)
	out := outputs{partition: s, record: &r}
	for i := range events {
		s.fold(in, h, &events[i], &out)
	}
	if link != nil {
		s.use(link, used, h.Payment, &out)
	}
	s.endMandate(in, by, events, &r, &out)
	out.decision(in, events)
	// A report of a payment that is not here yet is not remembered: the same one may come again when it is.
	if in.id != (inputID{}) && (in.Command != nil || h.Payment != nil) {
		s.remember(in, r.Position)
	}
	return out.all, nil
}

// take is the input that Load has decoded, or decodes it.
func (s *partition) take(r *stream.Record) *input {
	if in := s.inputs[r.Position]; in != nil {
		return in
	}
	return s.decode(r)
}

// held is the payment in memory, an empty place where there is none. Load has read what the database has.
func (s *partition) held(key paymentKey) *held {
	h, ok := s.payments.get(key)
	if !ok {
		h = &held{}
		if key != (paymentKey{}) {
			s.payments.put(key, h, 0)
		}
	}
	return h
}

// fold folds one event into memory, books it and adds what is published of it.
func (s *partition) fold(in *input, h *held, e *topics.PaymentEvent, out *outputs) {
	s.metrics.event(e)
	out.event(e)
	if e.Type == topics.EventCommandRefused || (h.Payment == nil && e.Type != topics.EventCreated) {
		return
	}
	s.book(h, e, out)
	named, deposited := h.Named(e), payouts.Deposited(h.Payment)
	p, err := lifecycle.Evolve(h.Payment, e)
	if err != nil {
		panic(err) // Decide gave an event that does not fit: a bug, of which the dead letter tells
	}
	h.Payment = p
	s.references.learn(p, named, out.record.Position)
	s.mandates.learn(p, e)
	s.touch(h, out.record.Position)
	s.countSource(p, deposited, e.At, out.record.Position)
	if e.Counted != nil {
		s.countDeposit(e, in, out.record.Position)
	}
	out.request(lifecycle.Request(p, e), e)
	out.review(lifecycle.Review(p, e), e)
}

// touch notes that the record at a position changed a payment.
func (s *partition) touch(h *held, position int64) {
	n := len(h.positions)
	if n == 0 {
		s.dirty = append(s.dirty, h)
	}
	if n == 0 || h.positions[n-1] != position {
		h.positions = append(h.positions, position)
	}
}

func (s *partition) book(h *held, e *topics.PaymentEvent, out *outputs) {
	if h.Payment == nil || !lifecycle.Moves(e) {
		return
	}
	balance := s.Balance(h.Ledger())
	entry, err := lifecycle.Post(h.Payment, e, ledger.Standing{Available: balance.Available, Debt: balance.Debt})
	if err != nil {
		panic(err)
	}
	if entry != nil {
		s.post(entry, aboutPayment(e), out)
	}
}

// post books an entry, and opens the wallet that it is the first to move.
func (s *partition) post(entry *ledger.Entry, a about, out *outputs) {
	entry.ID = ledger.EntryID{Partition: s.number, Position: out.record.Position, Index: out.entries}
	if err := s.balances.Apply(entry); err != nil {
		panic(err)
	}
	s.entries = append(s.entries, *entry)
	s.opens(entry, out.record.Position)
	out.entry(entry, a)
}

// refuse refuses a command that no decision can judge: what is wrong lies in another partition or in the command's id.
// Nothing stored is touched.
func (s *partition) refuse(in *input, r *stream.Record, code topics.RefusalCode, detail string) []stream.Output {
	out := outputs{partition: s, record: r}
	if in.wallet.is() {
		s.tellWallet(in, r, topics.WalletCommandRefused, code, detail, &out)
		return out.all
	}
	if in.payout.is() {
		s.tellPayout(in, r, topics.PayoutCommandRefused, code, detail, &out)
		return out.all
	}
	if in.link.is() {
		s.tellLink(in, r, topics.LinkCommandRefused, code, detail, &out)
		return out.all
	}
	if in.dispute.is() {
		s.tellDispute(in, r, topics.DisputeCommandRefused, code, detail, &out)
		return out.all
	}
	if in.closing != nil {
		s.tellClosing(in.closing, r, code, detail, &out)
		return out.all
	}
	if in.customer != nil {
		s.tellCustomer(in, r, topics.CustomerCommandRefused, code, detail, &out)
		return out.all
	}
	c := &in.Command.Command
	e := topics.PaymentEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: topics.EventCommandRefused,
		Tenant: c.Tenant, Region: c.Region, CustomerID: c.CustomerID, PaymentID: c.PaymentID, CommandID: c.CommandID,
		TraceID: c.TraceID, At: r.Time, Refusal: code, Detail: detail,
	}
	maskTexts(&e)
	s.metrics.event(&e)
	out.event(&e)
	return out.all
}

// maskTexts masks card numbers in what an event repeats of a record that nobody has checked.
func maskTexts(e *topics.PaymentEvent) {
	maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.PaymentID, &e.CommandID, &e.TraceID, &e.Detail)
}

func maskEach(texts ...*string) {
	for _, text := range texts {
		if masked, found := topics.MaskCardNumbers([]byte(*text)); found {
			*text = string(masked)
		}
	}
}

// onePaymentPerCommand is the constraint that only a create command with a used id violates: its payment is another
// customer's, in another partition.
const onePaymentPerCommand = "payments_by_command"

// Refuse tells of a record that was put aside. The payment is not touched.
func (s *partition) Refuse(r stream.Record, reason stream.DeadLetter) ([]stream.Output, *stream.DeadLetter) {
	in := s.take(&r)
	if in.Command != nil && reason.Constraint == onePaymentPerCommand {
		s.remember(in, r.Position)
		return s.refuse(in, &r, topics.RefusedDuplicateCommand,
			"command_id: was used for a payment of another customer; want a new one"), nil
	}
	out := outputs{partition: s, record: &r}
	if in.wallet.is() {
		s.tellWallet(in, &r, topics.WalletDeadLettered, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	if in.payout.is() {
		s.tellPayout(in, &r, topics.PayoutDeadLettered, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	if in.link.is() {
		s.tellLink(in, &r, topics.LinkDeadLettered, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	if in.dispute.is() {
		s.tellDispute(in, &r, topics.DisputeDeadLettered, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	if in.closing != nil {
		s.tellClosing(in.closing, &r, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	if in.customer != nil {
		s.tellCustomer(in, &r, topics.CustomerDeadLettered, reason.Reason, firstLine(reason.Detail), &out)
		return out.all, &reason
	}
	e := topics.PaymentEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: topics.EventDeadLettered,
		At: r.Time, Refusal: reason.Reason, Detail: firstLine(reason.Detail),
	}
	switch {
	case in.Command != nil:
		c := &in.Command.Command
		e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.CommandID, e.TraceID = c.Tenant, c.Region, c.CustomerID, c.PaymentID, c.CommandID, c.TraceID
	case in.Report != nil:
		e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID = in.Report.Tenant, in.Report.Region, in.Report.CustomerID, in.Report.PaymentID, in.Report.TraceID
	case in.Timer != nil:
		e.Tenant, e.CustomerID, e.PaymentID = in.Timer.Tenant, in.Timer.CustomerID, in.Timer.PaymentID
	case in.Review != nil:
		c := &in.Review.Review.Command
		e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.TraceID = c.Tenant, c.Region, c.CustomerID, in.Review.Review.PaymentID, c.TraceID
	default:
		if envelope, err := topics.ParseEnvelope(r.Headers); err == nil {
			e.Tenant, e.Region, e.PaymentID, e.TraceID = envelope.Tenant, envelope.Region, envelope.Subject, envelope.TraceID
		}
	}
	maskTexts(&e)
	s.metrics.event(&e)
	out.event(&e)
	return out.all, &reason
}

// Write queues what the batch changed. A crash before the commit leaves the database as it was and the batch is folded
// again from the inbox; after it, the next owner reads the very rows that are written here.
func (s *partition) Write(batch *pgx.Batch) {
	s.columns.reset()
	for _, h := range s.dirty {
		s.columns.payment(h)
	}
	s.changed.add(&s.wallets, &s.columns)
	s.writePayouts()
	s.writeLinks()
	s.writeDisputes()
	s.writeCustomers()
	s.columns.queue(batch, s.number)
	s.references.queue(batch, s.number)
	s.mandates.queue(batch, s.number)
	s.queueApplied(batch)
	s.wallets.queue(batch, s.number)
	s.payoutColumns.queue(batch, s.number)
	s.linkColumns.queue(batch, s.number)
	s.disputeColumns.queue(batch, s.number)
	s.customerColumns.queue(batch, s.number)
	s.ledger.Queue(batch, s.entries)
	for i := range s.periods {
		s.periods[i].queue(batch, s.number)
	}
}

// Written forgets the batch and lets the caches shrink to their bounds.
func (s *partition) Written() {
	for _, h := range s.dirty {
		h.stored, h.version, h.timer = true, h.positions[len(h.positions)-1], h.Timer
		h.positions = nil
		s.payments.put(h.ID.UUID, h, sizeOf(h.Payment))
	}
	clear(s.inputs)
	clear(s.applied)
	s.fresh, s.dirty, s.entries = s.fresh[:0], s.dirty[:0], s.entries[:0]
	s.periods = s.periods[:0]
	s.references.reset()
	s.mandates.reset()
	s.resize()
	s.writtenPayouts()
	s.writtenLinks()
	s.writtenDisputes()
	s.writtenCustomers()
	s.changed.written()
	s.payments.trim(nil)
	s.holds.trim(nil)
	s.rounds.trim(nil)
	s.holders.trim(func(_ customerKey, h *holder) { h.forget(s.balances) })
	s.metrics.cached(s.number, s.payments.used.Len(), s.payments.bytes)
}

// Close gives the memory up.
func (s *partition) Close() { s.metrics.closed(s.number) }

const maxDetailBytes = 512

func firstLine(s string) string {
	for i := range s {
		if s[i] == '\n' || i >= maxDetailBytes {
			return s[:i]
		}
	}
	return s
}

func label(partition int32) string { return strconv.Itoa(int(partition)) }
