package topics

import "time"

// PeriodClose asks one partition to close an accounting period of a tenant, and all before it. The same is written to every
// partition of the inbox.
type PeriodClose struct {
	// CommandID is a UUID; the same id is never applied twice in a partition.
	CommandID string `json:"command_id"`
	Tenant    string `json:"tenant"`
	Month     string `json:"month"` // "2026-10", UTC
	// RequestedBy and ApprovedBy are two different people.
	RequestedBy string `json:"requested_by"`
	ApprovedBy  string `json:"approved_by"`
	TraceID     string `json:"trace_id,omitempty"`
}

// PeriodClosed is the value of ledger.periods.v1: the trial balance of a closed period, as far as one partition has it. The
// sum over all partitions is the tenant's.
type PeriodClosed struct {
	EventID     string    `json:"event_id"` // partition-position-index of the inbox record that caused it
	CommandID   string    `json:"command_id"`
	Tenant      string    `json:"tenant"`
	Month       string    `json:"month"` // "2026-10", UTC
	RequestedBy string    `json:"requested_by"`
	ApprovedBy  string    `json:"approved_by"`
	TraceID     string    `json:"trace_id,omitempty"`
	At          time.Time `json:"at"`
	// Refusal says why the period was not closed; Lines and Entries are then empty.
	Refusal RefusalCode `json:"refusal,omitempty"`
	Detail  string      `json:"detail,omitempty"` // for people
	// Lines are the balances at the end of the period, before its closing entries, by currency and code, without those that
	// are zero.
	Lines []TrialBalanceLine `json:"lines,omitempty"`
	// Entries are the ids of the closing entries, one for each currency that had income or expenses.
	Entries []string `json:"entries,omitempty"`
}

// TrialBalanceLine is the sum of the balances of all accounts of one code in one currency. A sum that needs more than 64
// bits is that of several lines.
type TrialBalanceLine struct {
	Code     string `json:"code"`
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"` // minor units, debits positive
}
