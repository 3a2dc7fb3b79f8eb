package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/profiles"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// customerCommand finds the ids of a command on a customer's record, as command does.
func (s *partition) customerCommand(in *input, c *topics.CustomerCommand) error {
	id, err := uuid.FromString(c.CommandID)
	if err != nil || c.Tenant == "" || c.CustomerID == "" {
		return fmt.Errorf("command_id %.64q, tenant %.64q and customer_id %.64q: want a UUID and names", c.CommandID, c.Tenant, c.CustomerID)
	}
	in.customer, in.id, in.fingerprint = c, newInputID(ofCommand, c.Tenant, id), c.Fingerprint()
	s.belongs(in, c.Tenant, c.CustomerID)
	return nil
}

// heldCustomer is a customer's record in memory.
type heldCustomer struct {
	*topics.CustomerRecord         // nil: the database has none
	version                int64   // of the stored row
	stored                 bool    // there is a row
	positions              []int64 // of this batch's records that changed it
}

// customer is the record in memory, an empty place where there is none. Load has read what the database has.
func (s *partition) customer(key uuid.UUID) *heldCustomer {
	h, ok := s.customers.get(key)
	if !ok {
		h = &heldCustomer{}
		s.customers.put(key, h, 0)
	}
	return h
}

// applyCustomer folds a command on a customer's record.
func (s *partition) applyCustomer(in *input, r *stream.Record) []stream.Output {
	s.remember(in, r.Position)
	c := in.customer
	h := s.customer(wallets.Key(c.Tenant, c.CustomerID))
	limits := &s.config.Limits
	e := profiles.Decide(h.CustomerRecord, c, topics.EventID{Partition: s.number, Position: r.Position}, r.Time, limits.Horizon, limits.Region)
	if e.Record != nil {
		if err := s.evolveCustomer(h, &e, r.Position); err != nil {
			panic(err) // a change that does not fit: a bug, of which the dead letter tells
		}
	}
	out := outputs{partition: s, record: r}
	out.customerChange(&e)
	return out.all
}

func (s *partition) evolveCustomer(h *heldCustomer, e *topics.CustomerChange, position int64) error {
	next, err := profiles.Evolve(h.CustomerRecord, e)
	if err != nil {
		return err
	}
	h.CustomerRecord = next
	if len(h.positions) == 0 {
		s.dirtyCustomers = append(s.dirtyCustomers, h)
	}
	h.positions = append(h.positions, position)
	if next.Erased {
		s.customerColumns.erased = append(s.customerColumns.erased, wallets.Key(next.Tenant, next.CustomerID))
	}
	return nil
}

// tellCustomer publishes that nothing became of a command on a customer's record. Nothing stored is touched.
func (s *partition) tellCustomer(in *input, r *stream.Record, what topics.CustomerChangeType, code topics.RefusalCode, detail string, out *outputs) {
	c := in.customer
	out.customerChange(&topics.CustomerChange{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: what, Tenant: c.Tenant, Region: c.Region,
		CustomerID: c.CustomerID, CommandID: c.CommandID, TraceID: c.TraceID, At: r.Time, Author: c.Author, Reason: c.Reason,
		Refusal: code, Detail: detail,
	})
}

// customerChange publishes a change and, where there is one, the record that it makes.
func (o *outputs) customerChange(e *topics.CustomerChange) {
	if e.Record == nil {
		maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.CommandID, &e.TraceID, &e.Author, &e.Reason, &e.Detail)
	}
	o.partition.metrics.customerChange(e)
	a := about{tenant: e.Tenant, region: e.Region, customer: e.CustomerID, trace: e.TraceID}
	o.add(topics.CustomerChanges, topics.TypeCustomerChange, a, e)
	if e.Record == nil {
		return
	}
	o.add(topics.Customers, topics.TypeCustomerRecord, a, e.Record)
	o.all[len(o.all)-1].Key = []byte(topics.CustomerKey(e.Tenant, e.CustomerID))
}

// wantRestoredCustomer asks for the record that a published change speaks of.
func (s *partition) wantRestoredCustomer(o *stream.Output, want *wanted) {
	s.wantCustomer(wallets.Key(o.Envelope.Tenant, string(o.Key)), want)
}

func (s *partition) restoreCustomer(r *stream.Restored, o *stream.Output) error {
	var e topics.CustomerChange
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("change %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.CustomerDeadLettered {
		return nil
	}
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
		return err
	}
	if e.Record == nil {
		return nil
	}
	return s.evolveCustomer(s.customer(wallets.Key(e.Tenant, e.CustomerID)), &e, r.Position)
}
