package statement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// The views are what the HTTP API answers and the commands print with --json. Amounts are minor units; a balance is shown
// on the normal side of its account, so that what we owe a customer and what the PSP owes us are both above zero.

// AccountView names an account.
type AccountView struct {
	AccountID  string `json:"account_id"`
	Code       string `json:"code"`
	Owner      string `json:"owner,omitempty"` // customer id; none for a system account
	Currency   string `json:"currency"`
	NormalSide string `json:"normal_side"` // debit or credit
}

// ProjectionView says how far the statements are.
type ProjectionView struct {
	Complete  bool           `json:"complete"` // nothing that was asked for can be missing
	Lag       int64          `json:"lag_records"`
	Positions []PositionView `json:"positions"`
}

// PositionView is one partition's.
type PositionView struct {
	Partition  int32      `json:"partition"`
	Next       int64      `json:"next"`    // the lines of all entries below it are there
	Applied    int64      `json:"applied"` // what is below it is booked
	Through    *time.Time `json:"through,omitempty"`
	Rebuilding bool       `json:"rebuilding,omitempty"`
}

// BalanceView is a balance now, or as of a time.
type BalanceView struct {
	Account    AccountView    `json:"account"`
	AsOf       *time.Time     `json:"as_of,omitempty"` // none: now, from the ledger itself
	Balance    int64          `json:"balance"`
	Projection ProjectionView `json:"projection"`
}

// LineView is one line of a statement.
type LineView struct {
	EntryID     string     `json:"entry_id"`
	BookedAt    time.Time  `json:"booked_at"`
	EffectiveAt *time.Time `json:"effective_at,omitempty"`
	Template    string     `json:"template"`
	PaymentID   string     `json:"payment_id,omitempty"`
	Reference   string     `json:"reference,omitempty"`
	Debit       int64      `json:"debit,omitempty"`
	Credit      int64      `json:"credit,omitempty"`
	Balance     *int64     `json:"balance,omitempty"`
}

// PageView is one page of a statement.
type PageView struct {
	Account     AccountView    `json:"account"`
	Opening     int64          `json:"opening"`
	Lines       []LineView     `json:"lines"`
	Closing     int64          `json:"closing"`
	StartCursor string         `json:"start_cursor,omitempty"`
	EndCursor   string         `json:"end_cursor,omitempty"`
	More        bool           `json:"more"`
	Projection  ProjectionView `json:"projection"`
}

// MovementView is what one template moved.
type MovementView struct {
	Template string    `json:"template"`
	Count    int64     `json:"count"`
	Debit    int64     `json:"debit"`
	Credit   int64     `json:"credit"`
	Net      int64     `json:"net"` // what it did to the balance, on the normal side
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
}

// HoldView is an open hold.
type HoldView struct {
	HoldID    string     `json:"hold_id"`
	Remaining int64      `json:"remaining"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// ExplanationView is why a balance is what it is.
type ExplanationView struct {
	Account    AccountView    `json:"account"`
	From       time.Time      `json:"from"`
	To         *time.Time     `json:"to,omitempty"` // none: now
	Opening    int64          `json:"opening"`
	Movements  []MovementView `json:"movements"`
	Closing    int64          `json:"closing"`
	Balance    *int64         `json:"balance,omitempty"` // of the ledger itself, where to is now
	Missing    *int64         `json:"missing,omitempty"` // of it, what the statements have not seen yet
	OpenHolds  []HoldView     `json:"open_holds"`
	Largest    []LineView     `json:"largest"`
	Projection ProjectionView `json:"projection"`
}

// TrialView is a trial balance: one table for each tenant and currency.
type TrialView struct {
	AsOf       *time.Time      `json:"as_of,omitempty"` // none: now, from the ledger itself
	Tables     []TrialTable    `json:"tables"`
	Projection *ProjectionView `json:"projection,omitempty"` // none where as_of is now
}

// TrialTable is balanced where its sums are equal.
type TrialTable struct {
	Tenant   string          `json:"tenant"`
	Currency string          `json:"currency"`
	Lines    []TrialLineView `json:"lines"`
	Debit    int64           `json:"debit"`
	Credit   int64           `json:"credit"`
	Balanced bool            `json:"balanced"`
}

// TrialLineView is the sum of all accounts of a code, on the side on which it stands, so that neither is below zero; a zero
// stands on the code's normal side.
type TrialLineView struct {
	Code   string `json:"code"`
	Rows   int64  `json:"rows"` // balances summed: a system account has one in each partition
	Debit  *int64 `json:"debit,omitempty"`
	Credit *int64 `json:"credit,omitempty"`
}

// EntryView is one entry.
type EntryView struct {
	EntryID     string        `json:"entry_id"`
	Template    string        `json:"template"`
	BookedAt    time.Time     `json:"booked_at"`
	EffectiveAt *time.Time    `json:"effective_at,omitempty"`
	Period      string        `json:"period,omitempty"` // that it counts in, where the month it took place in was closed
	PaymentID   string        `json:"payment_id,omitempty"`
	Reference   string        `json:"reference,omitempty"`
	Tenant      string        `json:"tenant"`
	Postings    []PostingView `json:"postings"`
}

// PostingView is one posting.
type PostingView struct {
	AccountView
	Debit  int64 `json:"debit,omitempty"`
	Credit int64 `json:"credit,omitempty"`
}

// Normal is a balance on the normal side of an account.
func Normal(code ledger.AccountCode, minor int64) int64 {
	if line, _ := code.Line(); line.Class.Normal() == ledger.Credit {
		return -minor
	}
	return minor
}

func viewAccount(a ledger.Account) AccountView {
	line, _ := a.Code.Line()
	return AccountView{a.ID().String(), string(a.Code), a.Owner, string(a.Currency), string(line.Class.Normal())}
}

func viewProjection(p Progress, complete bool) ProjectionView {
	v := ProjectionView{Complete: complete, Lag: p.Lag(), Positions: make([]PositionView, len(p))}
	for i, position := range p {
		v.Positions[i] = PositionView{Partition: position.Partition, Next: position.Next, Applied: position.Applied, Rebuilding: position.Rebuilding}
		if position.Booked.After(begin) {
			v.Positions[i].Through = &p[i].Booked
		}
	}
	return v
}

// optional is nil for the zero time.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// inclusive is the last time before one: what a balance before it is as of.
func inclusive(before time.Time) *time.Time {
	if before.IsZero() {
		return nil
	}
	t := before.Add(-time.Microsecond)
	return &t
}

// sides splits an amount into its debit and its credit.
func sides(minor int64) (debit, credit int64) { return max(minor, 0), max(-minor, 0) }

// View shows the balance; before is what AsOf was asked, zero for now.
func (b *Balance) View(before time.Time) BalanceView {
	return BalanceView{viewAccount(b.Account), inclusive(before), Normal(b.Account.Code, b.Minor), viewProjection(b.Progress, b.Complete)}
}

func viewLine(l *Line) LineView {
	v := LineView{
		EntryID: l.Entry.String(), BookedAt: l.Booked, EffectiveAt: optional(l.Effective), Template: l.Template,
		PaymentID: l.PaymentID, Reference: l.Reference,
	}
	v.Debit, v.Credit = sides(l.Amount)
	return v
}

// View shows the page.
func (p *Page) View() PageView {
	v := PageView{
		Account: viewAccount(p.Account), Opening: Normal(p.Account.Code, p.Opening), Closing: Normal(p.Account.Code, p.Closing),
		StartCursor: p.Start.String(), EndCursor: p.End.String(), More: p.More, Lines: make([]LineView, len(p.Lines)),
		Projection: viewProjection(p.Progress, p.Progress.Complete(end)),
	}
	for i := range p.Lines {
		balance := Normal(p.Account.Code, p.Lines[i].Balance)
		v.Lines[i] = viewLine(&p.Lines[i])
		v.Lines[i].Balance = &balance
	}
	return v
}

// View shows the explanation.
func (x *Explanation) View() ExplanationView {
	normal := func(minor int64) int64 { return Normal(x.Account.Code, minor) }
	v := ExplanationView{
		Account: viewAccount(x.Account), From: x.From, To: inclusive(x.To), Opening: normal(x.Opening), Closing: normal(x.Closing),
		Movements: make([]MovementView, len(x.Movements)), Largest: make([]LineView, len(x.Largest)),
		OpenHolds: make([]HoldView, len(x.Holds)), Projection: viewProjection(x.Progress, x.Complete),
	}
	if x.To.IsZero() {
		balance, missing := normal(x.Balance), normal(x.Missing)
		v.Balance, v.Missing = &balance, &missing
	}
	for i := range x.Movements {
		m := &x.Movements[i]
		v.Movements[i] = MovementView{m.Template, m.Count, m.Debit, m.Credit, normal(m.Net()), m.First, m.Last}
	}
	for i := range x.Largest {
		v.Largest[i] = viewLine(&x.Largest[i])
	}
	for i, h := range x.Holds {
		v.OpenHolds[i] = HoldView{h.ID, h.Minor, optional(h.ExpiresAt)}
	}
	return v
}

// ReadTrial reads a trial balance now, from the ledger itself, or as of a time before one that is not zero, of one tenant
// and currency or "" for all.
func ReadTrial(ctx context.Context, db *database.DB, tenant string, currency ledger.Currency, before time.Time) (v TrialView, err error) {
	var trial Trial
	if before.IsZero() {
		trial.Lines, err = store.TrialBalance(ctx, db.Pool, tenant)
	} else {
		trial, err = TrialAsOf(ctx, db, tenant, before)
	}
	if err != nil {
		return v, err
	}
	trial.Lines = slices.DeleteFunc(trial.Lines, func(l store.TrialLine) bool { return currency != "" && l.Currency != currency })
	return ViewTrial(trial.Lines, before, trial.Progress, trial.Complete)
}

// ViewTrial shows a trial balance of lines by tenant and currency; before is zero for one of now, which has no progress.
// A code that the chart does not know is an error, as are sums beyond 64 bits.
func ViewTrial(lines []store.TrialLine, before time.Time, progress Progress, complete bool) (TrialView, error) {
	v := TrialView{AsOf: inclusive(before), Tables: []TrialTable{}}
	if !before.IsZero() {
		projection := viewProjection(progress, complete)
		v.Projection = &projection
	}
	for _, l := range lines {
		if n := len(v.Tables); n == 0 || v.Tables[n-1].Tenant != l.Tenant || v.Tables[n-1].Currency != string(l.Currency) {
			v.Tables = append(v.Tables, TrialTable{Tenant: l.Tenant, Currency: string(l.Currency)})
		}
		table := &v.Tables[len(v.Tables)-1]
		line := TrialLineView{Code: string(l.Code), Rows: l.Accounts}
		chart, ok := l.Code.Line()
		if !ok {
			return TrialView{}, fmt.Errorf("account code %q is not in the chart of accounts; weir fsck says more", l.Code)
		}
		var err error
		debit, credit := sides(l.Minor)
		if l.Minor > 0 || l.Minor == 0 && chart.Class.Normal() == ledger.Debit {
			line.Debit = &debit
			table.Debit, err = ledger.AddMinor(table.Debit, debit)
		} else {
			line.Credit = &credit
			table.Credit, err = ledger.SubMinor(table.Credit, l.Minor)
		}
		if err != nil {
			return TrialView{}, fmt.Errorf("sum of %s %s: %w", l.Tenant, l.Currency, err)
		}
		table.Lines = append(table.Lines, line)
		table.Balanced = table.Debit == table.Credit
	}
	return v, nil
}

// ViewEntry shows an entry, without its Period, which store.Period knows.
func ViewEntry(e *ledger.Entry) EntryView {
	v := EntryView{
		EntryID: e.ID.String(), Template: e.Template, BookedAt: e.At, EffectiveAt: optional(e.Effective), PaymentID: e.PaymentID,
		Reference: e.Reference, Tenant: e.Postings[0].Account.Tenant, Postings: make([]PostingView, len(e.Postings)),
	}
	for i, p := range e.Postings {
		v.Postings[i].AccountView = viewAccount(p.Account)
		v.Postings[i].Debit, v.Postings[i].Credit = sides(p.Minor)
	}
	return v
}
