package payments

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var _ stream.Restorer = (*partition)(nil)

// LoadRestored reads the payments that published events speak of.
func (s *partition) LoadRestored(ctx context.Context, records []stream.Restored) error {
	var missing [][16]byte
	for i := range records {
		for j := range records[i].Outputs {
			key, ok := s.restoredKey(&records[i].Outputs[j])
			if !ok {
				continue
			}
			if _, ok := s.payments.get(key); !ok {
				s.payments.put(key, &held{}, 0)
				missing = append(missing, key)
			}
		}
	}
	return s.read(ctx, nil, missing)
}

// restoredKey is the payment of this partition that an event's envelope names.
func (s *partition) restoredKey(o *stream.Output) (paymentKey, bool) {
	if o.Topic != topics.Events {
		return paymentKey{}, false
	}
	id, err := topics.ParsePaymentID(o.Envelope.Subject)
	return id.UUID, err == nil && id.Partition == s.number
}

// Restore folds what one record published: events into payments, entries into balances. Nothing is decided again.
func (s *partition) Restore(r stream.Restored) error {
	for i := range r.Outputs {
		o := &r.Outputs[i]
		var err error
		switch o.Topic {
		case topics.Events:
			err = s.restoreEvent(&r, o)
		case topics.Entries:
			err = s.restoreEntry(o)
		}
		if err != nil {
			return fmt.Errorf("restore record %d of partition %d: %w", r.Position, s.number, err)
		}
	}
	return nil
}

func (s *partition) restoreEvent(r *stream.Restored, o *stream.Output) error {
	var e topics.PaymentEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.EventDeadLettered {
		return nil
	}
	if err := s.restoreInput(e.CommandID, &e, r.Position); err != nil {
		return err
	}
	key, ok := s.restoredKey(o)
	if !ok || e.Type == topics.EventCommandRefused {
		return nil
	}
	h := s.held(key)
	if h.Payment == nil && e.Type != topics.EventCreated {
		return nil // a case of a payment that we do not know
	}
	if e.PSP != nil && e.PSP.Source == topics.SourceWebhook {
		if err := s.restoreInput(e.PSP.ReportID, &e, r.Position); err != nil {
			return err
		}
	}
	p, err := lifecycle.Evolve(h.Payment, &e)
	if err != nil {
		return err
	}
	h.Payment = p
	s.touch(h, r.Position)
	return lifecycle.Check(p, &e)
}

// restoreInput remembers what the fold remembered: commands, and facts of webhooks. A fact that led to no event is
// forgotten, which the lifecycle makes good: it says nothing new again.
func (s *partition) restoreInput(text string, e *topics.PaymentEvent, position int64) error {
	if text == "" {
		return nil
	}
	id, err := uuid.FromString(text)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.EventID, err)
	}
	if !s.applied[id] {
		s.remember(id, position)
	}
	return nil
}

func (s *partition) restoreEntry(o *stream.Output) error {
	var v topics.LedgerEntry
	if err := topics.Unmarshal(o.Value, &v); err != nil {
		return fmt.Errorf("entry %s: %w", o.Envelope.ID, err)
	}
	id, err := topics.ParseEventID(v.EntryID)
	if err != nil {
		return err
	}
	entry := ledger.Entry{
		ID: ledger.EntryID{Partition: id.Partition, Position: id.Position, Index: id.Index}, Template: v.Template,
		PaymentID: v.PaymentID, At: v.BookedAt, Effective: v.EffectiveAt, Reference: v.Reference,
	}
	for _, p := range v.Postings {
		account := ledger.Account{
			Tenant: v.Tenant, Code: ledger.AccountCode(p.Code), Owner: p.Owner, Currency: ledger.Currency(p.Currency),
		}
		if is := account.ID(); hex.EncodeToString(is[:]) != p.AccountID {
			return fmt.Errorf("entry %s: account %s is not that of %s of %q", v.EntryID, p.AccountID, p.Code, p.Owner)
		}
		entry.Postings = append(entry.Postings, ledger.Posting{Account: account, Minor: p.Amount})
	}
	if err := entry.Validate(); err != nil {
		return err
	}
	s.entries = append(s.entries, entry)
	return nil
}
