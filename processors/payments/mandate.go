package payments

import (
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// mandateKey is the payment that set up the mandate which an input's payment is by, or is to be by; ok is false where there is
// none in this partition, where all of its customer's are.
func (s *partition) mandateKey(in *input) (key paymentKey, ok bool) {
	if c := in.Command; c != nil && c.Command.Type == topics.CommandCreate {
		if c.Command.Mandate == "" {
			return key, false
		}
		id, err := topics.ParseMandateID(c.Command.Mandate)
		return id.UUID, err == nil && id.Partition == s.number
	}
	if h, there := s.payments.get(in.payment); there {
		id, by := h.ByMandate()
		return id.UUID, by
	}
	return key, false
}

// wantMandate asks for the payment that set up the mandate which an input has to do with.
func (s *partition) wantMandate(in *input, want *wanted) {
	key, ok := s.mandateKey(in)
	if !ok {
		return
	}
	if _, there := s.payments.get(key); !there {
		s.payments.put(key, &held{}, 0)
		want.payments = append(want.payments, key)
	}
}

// mandate is the payment that set up the mandate which an input has to do with, nil where it has to do with none.
func (s *partition) mandate(in *input) *held {
	key, ok := s.mandateKey(in)
	if !ok {
		return nil
	}
	h := s.held(key)
	in.Mandate = h.Payment
	return h
}

// endMandate folds what the events of a payment by a mandate mean for the payment that set it up.
func (s *partition) endMandate(in *input, of *held, events []topics.PaymentEvent, r *stream.Record, out *outputs) {
	declined := lifecycle.EndsMandate(events)
	if of == nil || declined == nil {
		return
	}
	changed := lifecycle.Decide(of.Payment, lifecycle.Input{
		Partition: r.Partition, Position: r.Position, Declined: declined, Index: len(events),
	}, r.Time, &s.config.Limits)
	for i := range changed {
		s.fold(in, of, &changed[i], out)
	}
}

// mandateColumns are the rows by which a customer's mandates are found.
type mandateColumns struct {
	tenants, customers []string
	payments           [][16]byte
}

func (c *mandateColumns) reset() {
	c.tenants, c.customers, c.payments = c.tenants[:0], c.customers[:0], c.payments[:0]
}

// learn notes a payment that sets a mandate up.
func (c *mandateColumns) learn(p *lifecycle.Payment, e *topics.PaymentEvent) {
	if p != nil && p.Mandate != nil && e.Type == topics.EventCreated {
		c.tenants, c.customers, c.payments = append(c.tenants, p.Tenant), append(c.customers, p.Customer), append(c.payments, p.ID.UUID)
	}
}

// The row of a payment never changes; where it was restored it may be there.
const insertMandates = `INSERT INTO mandates (partition, tenant, customer, payment)
SELECT $1::int4, tenant, customer, payment FROM unnest($2::text[], $3::text[], $4::uuid[]) AS m(tenant, customer, payment)
ON CONFLICT (partition, tenant, customer, payment) DO NOTHING`

func (c *mandateColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.payments) > 0 {
		batch.Queue(insertMandates, partition, c.tenants, c.customers, c.payments)
	}
}
