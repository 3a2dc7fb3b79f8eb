package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// AccountCode names an account's place in the chart of accounts.
type AccountCode string

// Account identifies one account: one code, one owner, one currency within a tenant.
// The owner of a system account is empty; it has one balance row for each partition, and its balance is their sum.
type Account struct {
	Tenant   string
	Code     AccountCode
	Owner    string // customer id, or "" for a system account
	Currency Currency
}

// AccountID is the first 16 bytes of SHA-256 over tenant, code, owner and currency, each followed by a zero byte,
// so that every writer and reader computes the same id without a look-up.
type AccountID [16]byte

// ID computes the account's id.
func (a Account) ID() AccountID {
	var buf [128]byte
	b := append(buf[:0], a.Tenant...)
	b = append(append(b, 0), a.Code...)
	b = append(append(b, 0), a.Owner...)
	b = append(append(b, 0), a.Currency...)
	b = append(b, 0)
	sum := sha256.Sum256(b)
	return AccountID(sum[:16])
}

// String is the id in 32 hex digits.
func (id AccountID) String() string { return hex.EncodeToString(id[:]) }

// ParseAccountID reads what String wrote.
func ParseAccountID(s string) (id AccountID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return AccountID{}, fmt.Errorf("account id %q: want 32 hex digits", s)
	}
	return AccountID(b), nil
}

// Posting moves Minor units on one account: positive is a debit, negative a credit.
type Posting struct {
	Account Account
	Minor   int64
}

// EntryID is the position of the inbox record that caused the entry and the entry's place among that record's entries.
type EntryID struct {
	Partition int32
	Position  int64
	Index     int16
}

// Entry is one immutable double-entry record.
//
// L1: its postings sum to zero in each currency. L2: it is never updated or deleted.
type Entry struct {
	ID        EntryID
	Template  string // the movement, such as "deposit_captured"
	PaymentID string
	At        time.Time // booking time: the timestamp of the inbox record
	// Effective is when what is booked took place, where that is not At; zero otherwise.
	Effective time.Time
	// Reference ties entries together that no payment does: a game round, a hold, a payout. "" where there is none.
	Reference string
	Postings  []Posting
}

func (id EntryID) String() string {
	return fmt.Sprintf("%d-%d-%d", id.Partition, id.Position, id.Index)
}
