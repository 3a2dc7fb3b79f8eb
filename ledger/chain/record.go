package chain

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

const version = 1

// Record is an entry as the chain sees it.
type Record struct {
	Position  int64
	Index     int16
	Booked    int64 // microseconds since 1970
	Effective int64 // the same; Booked where the entry has none of its own
	Payment   [16]byte
	Template  string
	Reference string
	Accounts  []ledger.AccountID // of the postings
	Amounts   []int64            // as many as Accounts
}

// Append appends the canonical encoding.
func (r *Record) Append(b []byte) []byte {
	b = slices.Grow(b, 55+len(r.Template)+len(r.Reference)+24*len(r.Accounts))
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Position))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Index))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Booked))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Effective))
	b = append(b, r.Payment[:]...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(r.Template))), r.Template...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(r.Reference))), r.Reference...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Accounts)))
	for i := range r.Accounts {
		b = append(b, r.Accounts[i][:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(r.Amounts[i]))
	}
	return b
}

// Set makes the record that of an entry, in the record's own memory.
func (r *Record) Set(e *ledger.Entry) error {
	*r = Record{
		Position: e.ID.Position, Index: e.ID.Index, Booked: e.At.UnixMicro(), Effective: e.At.UnixMicro(),
		Template: e.Template, Reference: e.Reference, Accounts: r.Accounts[:0], Amounts: r.Amounts[:0],
	}
	if !e.Effective.IsZero() {
		r.Effective = e.Effective.UnixMicro()
	}
	if e.PaymentID != "" {
		id, err := topics.ParsePaymentID(e.PaymentID)
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.ID, err)
		}
		r.Payment = id.UUID
	}
	for i := range e.Postings {
		r.Accounts = append(r.Accounts, e.Postings[i].Account.ID())
		r.Amounts = append(r.Amounts, e.Postings[i].Minor)
	}
	return nil
}

// Published is the record of an entry as ledger.entries.v1 holds it.
func Published(v *topics.LedgerEntry) (r Record, err error) {
	id, err := topics.ParseEventID(v.EntryID)
	if err != nil {
		return Record{}, err
	}
	err = r.Set(&ledger.Entry{ID: ledger.EntryID(id), Template: v.Template, PaymentID: v.PaymentID, At: v.BookedAt,
		Effective: v.EffectiveAt, Reference: v.Reference})
	for _, p := range v.Postings {
		account, wrong := ledger.ParseAccountID(p.AccountID)
		if wrong != nil {
			return Record{}, fmt.Errorf("entry %s: %w", v.EntryID, wrong)
		}
		r.Accounts, r.Amounts = append(r.Accounts, account), append(r.Amounts, p.Amount)
	}
	return r, err
}

// Before is the order of the chain.
func (r *Record) Before(position int64, index int16) bool {
	return r.Position < position || r.Position == position && r.Index < index
}
