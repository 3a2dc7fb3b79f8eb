package payments

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var _ stream.Restorer = (*partition)(nil)

// LoadRestored reads the payments, payouts, disputes, wallets, holds and rounds that published events and entries speak of.
func (s *partition) LoadRestored(ctx context.Context, records []stream.Restored) error {
	s.restoring = true
	var want wanted
	for i := range records {
		for j := range records[i].Outputs {
			o := &records[i].Outputs[j]
			switch o.Topic {
			case topics.Events:
				key, ok := s.restoredKey(o)
				if _, there := s.payments.get(key); ok && !there {
					s.payments.put(key, &held{}, 0)
					want.payments = append(want.payments, key)
				}
				if err := s.wantRestoredCount(o, &want); err != nil {
					return err
				}
				if ok && len(o.Key) > 0 {
					s.wantSources(customerKey{o.Envelope.Tenant, string(o.Key)}, &want)
				}
			case topics.PayoutEvents:
				s.wantRestoredPayout(o, &want)
			case topics.LinkEvents:
				s.wantRestoredLink(o, &want)
			case topics.DisputeEvents:
				s.wantRestoredDispute(o, &want)
			case topics.CustomerChanges:
				s.wantRestoredCustomer(o, &want)
			case topics.WalletEvents:
				var e topics.WalletEvent
				if err := topics.Unmarshal(o.Value, &e); err != nil {
					return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
				}
				s.limited = s.limited || wallets.ChangesOf(&e).Limits
				w := restoredWallet(&e)
				s.wantWallet(&w, &want)
			case topics.Entries:
				s.wantHolder(customerKey{o.Envelope.Tenant, string(o.Key)}, &want)
			}
		}
	}
	return s.read(ctx, &want)
}

// restoredKey is the payment of this partition that an event's envelope names.
func (s *partition) restoredKey(o *stream.Output) (paymentKey, bool) {
	id, err := topics.ParsePaymentID(o.Envelope.Subject)
	return id.UUID, err == nil && id.Partition == s.number
}

// Restore folds what one record published: events into payments, payouts, disputes and wallets, entries into balances. Nothing is decided
// again.
func (s *partition) Restore(r stream.Restored) error {
	for i := range r.Outputs {
		o := &r.Outputs[i]
		var err error
		switch o.Topic {
		case topics.Events:
			err = s.restoreEvent(&r, o)
		case topics.WalletEvents:
			err = s.restoreWallet(&r, o)
		case topics.PayoutEvents:
			err = s.restorePayout(&r, o)
		case topics.LinkEvents:
			err = s.restoreLink(&r, o)
		case topics.DisputeEvents:
			err = s.restoreDispute(&r, o)
		case topics.CustomerChanges:
			err = s.restoreCustomer(&r, o)
		case topics.Entries:
			err = s.restoreEntry(&r, o)
		case topics.LedgerPeriods:
			err = s.restorePeriod(&r, o)
		case topics.Decisions:
			err = s.restoreDecision(&r, o)
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
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
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
		if err := s.restoreInput(ofReport, e.Tenant, e.PSP.ReportID, e.EventID, r.Position); err != nil {
			return err
		}
	}
	named, deposited := h.Named(&e), payouts.Deposited(h.Payment)
	p, err := lifecycle.Evolve(h.Payment, &e)
	if err != nil {
		return err
	}
	h.Payment = p
	s.references.learn(p, named, r.Position)
	s.mandates.learn(p, &e)
	s.touch(h, r.Position)
	s.countSource(p, deposited, e.At, r.Position)
	if e.Counted != nil {
		s.countDeposit(&e, nil, r.Position)
	}
	return lifecycle.Check(p, &e)
}

// restoreCommand remembers a command. The id of a refused duplicate is another record's.
func (s *partition) restoreCommand(tenant, id, event string, refusal topics.RefusalCode, position int64) error {
	if refusal == topics.RefusedDuplicateCommand {
		return nil
	}
	return s.restoreInput(ofCommand, tenant, id, event, position)
}

// restoreInput remembers what the fold remembered: commands, and facts of webhooks. A fact that led to no event is
// forgotten, which the lifecycle makes good: it says nothing new again. What a command asked for is not known from its
// events: until the horizon, whatever has its id is taken for its repeat.
func (s *partition) restoreInput(kind, tenant, text, event string, position int64) error {
	if text == "" {
		return nil
	}
	id, err := uuid.FromString(text)
	if err != nil {
		return fmt.Errorf("event %s: %w", event, err)
	}
	in := &input{id: newInputID(kind, tenant, id), fingerprint: anyFingerprint}
	if _, found := s.applied[in.id]; !found {
		s.remember(in, position)
		return nil
	}
	for i := len(s.fresh) - 1; i >= 0; i-- { // mostly of the same record, whose events follow each other
		if s.fresh[i].id == in.id {
			s.fresh[i].position = position
			break
		}
	}
	return nil
}

// restoredWallet is what an event of a wallet names, as the command or expiry that caused it did.
func restoredWallet(e *topics.WalletEvent) (w walletInput) {
	changes := wallets.ChangesOf(e)
	if e.CustomerID == "" {
		return w
	}
	w.customer = customerKey{e.Tenant, e.CustomerID}
	if changes.Hold && e.Hold != nil {
		w.hold = wallets.KeyOf(e.Tenant, e.CustomerID, e.Hold.HoldID)
	}
	if changes.Round {
		w.round = wallets.KeyOf(e.Tenant, e.CustomerID, e.RoundID)
	}
	return w
}

func (s *partition) restoreWallet(r *stream.Restored, o *stream.Output) error {
	var e topics.WalletEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.WalletDeadLettered {
		return nil
	}
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
		return err
	}
	w := restoredWallet(&e)
	h, hold, round := s.partsOf(&w)
	return s.evolve(&e, h, hold, round, r.Position)
}

func (s *partition) restoreEntry(r *stream.Restored, o *stream.Output) error {
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
	s.opens(&entry, r.Position)
	return nil
}
