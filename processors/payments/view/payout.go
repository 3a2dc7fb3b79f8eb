package view

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

// Payout is a payout as it stands. Amounts are minor units of Currency.
type Payout struct {
	ID, Tenant, Region, CustomerID string
	Status                         topics.PayoutStatus
	Amount                         int64
	Currency                       string
	// WaitsFor is what comes next; WaitsForNothing where nothing does. Until is when weir goes on by itself if nothing comes
	// before, zero where it does not.
	WaitsFor Awaited
	Until    time.Time
	// Explanation says the same in words.
	Explanation                    string
	Reasons                        []string // of the rules that blocked or held it
	Destination                    *Destination
	RequestedBy, ApprovedBy        string
	PSPReference                   string // of the latest request
	DeclineCode                    string
	Attempts                       int
	MerchantReference, Description string
	Metadata                       map[string]string
	CreatedAt, UpdatedAt           time.Time
	Version                        int64 // position of the last inbox record that changed it

	opened int64 // position of the record that opened it, where it was read from its row
}

// Destination is where a payout goes, or may.
type Destination struct {
	PSP       string
	Card      *Card
	Deposited bool
	Amount    int64 // what may go there
}

// DestinationOf is a destination as it may be shown, nil for none.
func DestinationOf(d *topics.PayoutDestination) *Destination {
	if d == nil {
		return nil
	}
	return &Destination{d.PSP, cardOf(d.Card), d.Deposited, d.Amount}
}

// Awaited is what a payout waits for.
type Awaited string

const (
	WaitsForNothing  Awaited = ""
	WaitsForApproval Awaited = "approval" // of a second person
	WaitsForRetry    Awaited = "retry"    // it could not be sent and is asked for again
	WaitsForPSP      Awaited = "psp"      // what the PSP says
)

// explain says what a payout waits for.
func explain(p *payouts.Payout) (awaited Awaited, until time.Time, text string) {
	by := func() string { return p.Timer.Due.UTC().Format(time.RFC3339) }
	told := func(text string) string {
		if p.Detail != "" {
			text += ": " + p.Detail
		}
		return text
	}
	const back = "; the customer has the money back"
	switch p.Status() {
	case topics.PayoutStatusBlocked:
		return WaitsForNothing, until, "a risk rule blocked it; nothing was taken from the wallet"
	case topics.PayoutStatusHeld:
		return WaitsForApproval, p.Timer.Due, "a second person must approve it; the money is set aside, and is given back at " + by() + " if nobody does"
	case topics.PayoutStatusQueued:
		return WaitsForRetry, p.Timer.Due, told("the PSP is asked again at " + by() + ", until " + p.QueueUntil.UTC().Format(time.RFC3339) +
			" at the latest; then the customer gets the money back. It was provably not paid")
	case topics.PayoutStatusSent:
		if slices.ContainsFunc(p.Attempts, func(a payouts.Attempt) bool { return a.State == payouts.AttemptPending }) {
			return WaitsForPSP, p.Timer.Due, "the PSP has accepted it and will say what became of it"
		}
		return WaitsForPSP, p.Timer.Due, "the PSP is asked to pay"
	case topics.PayoutStatusUnknown:
		return WaitsForPSP, p.Timer.Due, "the PSP was asked to pay and did not answer; it is asked what became of it, and nothing is sent again before that is known"
	case topics.PayoutStatusPaid:
		return WaitsForNothing, until, "the PSP has paid"
	case topics.PayoutStatusFailed:
		return WaitsForNothing, until, told("it was not paid" + back)
	case topics.PayoutStatusReturned:
		return WaitsForNothing, until, told("it was paid and came back" + back)
	case topics.PayoutStatusRejected:
		return WaitsForNothing, until, told("it was rejected" + back)
	case topics.PayoutStatusCancelled:
		return WaitsForNothing, until, told("it was cancelled" + back)
	case topics.PayoutStatusExpired:
		return WaitsForNothing, until, "nobody approved it in time" + back
	}
	return WaitsForNothing, until, "" // a status that does not exist
}

// payoutOf is the view of a payout in memory.
func payoutOf(p *payouts.Payout, version int64) *Payout {
	v := &Payout{
		ID: p.ID.String(), Tenant: p.Tenant, Region: p.Region, CustomerID: p.Customer, Status: p.Status(), Amount: p.Amount,
		Currency: string(p.Currency), Reasons: slices.Clone(p.Reasons), Destination: DestinationOf(p.Data.Destination),
		RequestedBy: p.RequestedBy, ApprovedBy: p.ApprovedBy, DeclineCode: p.DeclineCode, Attempts: len(p.Attempts),
		MerchantReference: p.Data.MerchantReference, Description: p.Data.Description, Metadata: p.Data.Metadata,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Version: version,
	}
	v.WaitsFor, v.Until, v.Explanation = explain(p)
	if n := len(p.Attempts); n > 0 {
		v.PSPReference = p.Attempts[n-1].Reference
	}
	return v
}

// FoldPayout is the payout as the record of an event left it: the fold of the events, which are all that it has had up to
// then, in their order. It is nil where they opened none.
func FoldPayout(events []topics.PayoutEvent, eventID string) (*Payout, error) {
	state, version, err := foldThrough(events, eventID, payouts.Evolve)
	if state == nil || err != nil {
		return nil, err
	}
	return payoutOf(state, version), nil
}

const payoutColumns = `SELECT partition, id, tenant, customer, version, state, positions[1] FROM payouts`

// GetPayout reads one payout. It returns ErrNotFound where the id is not one of ours or belongs to another tenant.
func GetPayout(ctx context.Context, db Querier, tenant, payoutID string) (*Payout, error) {
	id, err := topics.ParsePayoutID(payoutID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return one(ctx, db, scanPayout, "payout "+payoutID, payoutColumns+` WHERE partition = $1 AND id = $2 AND tenant = $3`, id.Partition, id.UUID, tenant)
}

// ListPayouts reads a customer's payouts, newest first; status "" means any. cursor is "" for the first page and then what
// the page before returned; next is "" after the last page. limit is capped at MaxLimit.
func ListPayouts(ctx context.Context, db Querier, o Owner, status topics.PayoutStatus, cursor string, limit int) (list []*Payout, next string, err error) {
	return pageOfCustomer(ctx, db, o, payoutColumns, string(status), cursor, limit, scanPayout, func(v *Payout) int64 { return v.opened }, "payouts")
}

func scanPayout(row pgx.CollectableRow) (*Payout, error) {
	var id topics.PayoutID
	var tenant, customer string
	var version, opened int64
	var state []byte
	if err := row.Scan(&id.Partition, &id.UUID, &tenant, &customer, &version, &state, &opened); err != nil {
		return nil, err
	}
	p, err := payouts.Decode(id, tenant, customer, state)
	if err != nil {
		return nil, err
	}
	v := payoutOf(p, version)
	v.opened = opened
	return v, nil
}
