package topics

import "time"

// LedgerBalance is the value of ledger.balances.v1: the balance that an entry left on an account. The topic is compacted
// and keeps the latest for each account and partition. A value may come again, and one may come that is older than
// EntryID of the value before it where a process was cut off: of two values of one key the one with the higher position
// (then index) of EntryID holds.
type LedgerBalance struct {
	AccountID string `json:"account_id"` // hex, as in the postings of ledger.entries.v1
	Tenant    string `json:"tenant"`
	Code      string `json:"code"`            // of the chart of accounts
	Owner     string `json:"owner,omitempty"` // customer id; absent for a system account
	Currency  string `json:"currency"`
	// Partition is where the balance stands. A customer's account has one; the balance of a system account is the sum over
	// its partitions.
	Partition int32     `json:"partition"`
	Balance   int64     `json:"balance"`  // minor units, debits positive
	EntryID   string    `json:"entry_id"` // the last entry in it: partition-position-index
	BookedAt  time.Time `json:"booked_at"`
}
