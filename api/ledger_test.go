package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
)

// booked is a fixture whose ledger holds deposits of ana, of one and two and so on to n EUR, a minute apart, in two
// partitions in turn, as statements too.
func booked(t *testing.T, n int) *fixture {
	t.Helper()
	f := newFixture(t, nil)
	var entries [2][]ledger.Entry
	for i := range n {
		e, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}, int64(100*(i+1)), 0, ledger.Standing{})
		if err != nil {
			t.Fatal(err)
		}
		e.ID = ledger.EntryID{Partition: int32(i % 2), Position: int64(i)}
		e.At = time.Date(2026, 1, 31, 9, i, 0, 0, time.UTC)
		entries[i%2] = append(entries[i%2], e)
	}
	for partition, entries := range entries {
		err := f.db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			store.NewWriter(int32(partition)).Queue(&batch, entries)
			batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ('payments', $1, $2, 0, '', '', 1)`, partition, n)
			return tx.SendBatch(t.Context(), &batch).Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := statement.NewProjector(f.db, 0).Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// read decodes an answer of 200.
func read[V any](t *testing.T, f *fixture, path string) (v V) {
	t.Helper()
	a := f.get(t, path)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const receivable = "/v1/ledger/accounts/psp_receivable"

func TestLedgerIsRead(t *testing.T) {
	f := booked(t, 10)
	now := read[statement.BalanceView](t, f, receivable+"/balance?currency=EUR")
	if now.Balance != 5500 || now.AsOf != nil || now.Account.NormalSide != "debit" || len(now.Projection.Positions) != 2 {
		t.Errorf("balance now %+v", now)
	}
	asOf := read[statement.BalanceView](t, f, receivable+"/balance?currency=EUR&as_of=2026-01-31T09:02:00Z")
	if asOf.Balance != 600 || !asOf.Projection.Complete || asOf.AsOf.Minute() != 2 {
		t.Errorf("balance as of a time %+v", asOf)
	}
	wallet := read[statement.BalanceView](t, f, "/v1/ledger/accounts/customer_wallet/balance?currency=EUR&owner=ana&as_of=2026-01-30")
	if wallet.Balance != 0 || wallet.Account.Owner != "ana" || wallet.Account.NormalSide != "credit" {
		t.Errorf("balance before the first entry %+v", wallet)
	}
	x := read[statement.ExplanationView](t, f, "/v1/ledger/accounts/customer_wallet/explanation?currency=EUR&owner=ana&from=2026-01-31T09:05:00Z")
	if x.Opening != 1500 || len(x.Movements) != 1 || x.Movements[0].Net != 4000 || x.Closing != 5500 || *x.Balance != 5500 || *x.Missing != 0 || len(x.Largest) != 5 {
		t.Errorf("explanation %+v", x)
	}
	for _, query := range []string{"", "?currency=EUR", "?as_of=2026-01-31", "?as_of=2026-01-31&currency=EUR"} {
		trial := read[statement.TrialView](t, f, "/v1/ledger/trial-balance"+query)
		if len(trial.Tables) != 1 || trial.Tables[0].Debit != 5500 || !trial.Tables[0].Balanced || (trial.Projection != nil) != strings.Contains(query, "as_of") {
			t.Errorf("trial balance %s %+v", query, trial)
		}
	}
	if trial := read[statement.TrialView](t, f, "/v1/ledger/trial-balance?currency=JPY"); len(trial.Tables) != 0 {
		t.Errorf("trial balance of another currency %+v", trial)
	}
	e := read[statement.EntryView](t, f, "/v1/ledger/entries/1-3-0")
	if e.Period != "" || e.Template != "deposit_captured" || len(e.Postings) != 2 || e.Postings[0].Debit+e.Postings[1].Debit != 400 {
		t.Errorf("entry %+v", e)
	}
}

// TestEntryBookedLateTellsItsPeriod: what took place in a month that was closed before counts in the next.
func TestEntryBookedLateTellsItsPeriod(t *testing.T) {
	f := booked(t, 8)
	for _, sql := range []string{
		`UPDATE entries SET effective = '2025-12-30T09:00:00Z'`,
		`INSERT INTO closed_periods (partition, tenant, month, position) VALUES (1, 'acme', '2025-11', 1), (1, 'acme', '2025-12', 5), (1, 'other', '2026-01', 1)`,
	} {
		if _, err := f.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"1-3-0": "", "1-5-0": "", "1-7-0": "2026-01", "0-6-0": ""} {
		if e := read[statement.EntryView](t, f, "/v1/ledger/entries/"+id); e.Period != want {
			t.Errorf("entry %s counts in %q, want %q", id, e.Period, want)
		}
	}
}

// TestStatementIsPaged reads a statement of two partitions through its cursors, forth and back.
func TestStatementIsPaged(t *testing.T) {
	f := booked(t, 10)
	var amounts []int64
	path := receivable + "/statement?currency=EUR&limit=3"
	page := read[statement.PageView](t, f, path+"&from=2026-01-31")
	for {
		for _, l := range page.Lines {
			amounts = append(amounts, l.Debit)
		}
		if !page.More {
			break
		}
		page = read[statement.PageView](t, f, path+"&after="+page.EndCursor)
	}
	want := "[100 200 300 400 500 600 700 800 900 1000]"
	if fmt.Sprint(amounts) != want || page.Closing != 5500 {
		t.Errorf("forth %v, closing with %d", amounts, page.Closing)
	}
	if more := read[statement.PageView](t, f, path+"&after="+page.EndCursor); len(more.Lines) != 0 || more.Opening != 5500 || more.EndCursor == "" {
		t.Errorf("behind the end %+v", more)
	}
	amounts = nil
	for page = read[statement.PageView](t, f, path); ; page = read[statement.PageView](t, f, path+"&before="+page.StartCursor) {
		var lines []int64
		for _, l := range page.Lines {
			lines = append(lines, l.Debit)
		}
		if amounts = append(lines, amounts...); !page.More {
			break
		}
	}
	if fmt.Sprint(amounts) != want || page.Opening != 0 {
		t.Errorf("back %v, opening with %d", amounts, page.Opening)
	}
}

func TestLedgerOfAnotherTenantIsNotThere(t *testing.T) {
	f := booked(t, 2)
	for _, path := range []string{
		receivable + "/balance?currency=EUR", receivable + "/balance?currency=EUR&as_of=2026-01-31", receivable + "/statement?currency=EUR",
		receivable + "/explanation?currency=EUR", "/v1/ledger/entries/0-0-0",
	} {
		a := f.call(t, http.MethodGet, path, "", header{"Authorization": "Bearer " + otherSecret})
		if a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	a := f.call(t, http.MethodGet, "/v1/ledger/trial-balance", "", header{"Authorization": "Bearer " + otherSecret})
	if a.status != http.StatusOK || strings.TrimSpace(string(a.body)) != `{"tables":[]}` {
		t.Errorf("trial balance %d %s", a.status, a.body)
	}
}

// TestLedgerReadThatTakesTooLong is told from a database that is away.
func TestLedgerReadThatTakesTooLong(t *testing.T) {
	f := booked(t, 1)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := statement.ReadTrial(ctx, f.db, "acme", "", time.Time{})
	if p := problemOf(unread(err)); p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Message, "shorter period") {
		t.Errorf("%v becomes %+v", err, p)
	}
}

func TestLedgerRefusesWhatItCannotRead(t *testing.T) {
	f := booked(t, 1)
	for _, test := range []struct {
		path   string
		status int
		field  string
	}{
		{"/v1/ledger/accounts/gold/balance?currency=EUR", 404, ""},
		{"/v1/ledger/accounts/customer_wallet/balance?currency=EUR&owner=eve", 404, ""},
		{"/v1/ledger/accounts/customer_wallet/balance?currency=EUR", 422, "owner"},
		{receivable + "/balance?currency=EUR&owner=ana", 422, "owner"},
		{receivable + "/balance", 422, "currency"},
		{receivable + "/balance?currency=eur", 422, "currency"},
		{receivable + "/balance?currency=EUR&as_of=yesterday", 422, "as_of"},
		{receivable + "/balance?currency=EUR&limit=1", 400, ""},
		{receivable + "/statement?currency=EUR&limit=0", 422, "limit"},
		{receivable + "/statement?currency=EUR&limit=1001", 422, "limit"},
		{receivable + "/statement?currency=EUR&from=x", 422, "from"},
		{receivable + "/statement?currency=EUR&to=2026-13-01", 422, "to"},
		{receivable + "/statement?currency=EUR&after=x", 400, "after"},
		{receivable + "/statement?currency=EUR&before=" + strings.Repeat("A", 4098), 400, "before"},
		{receivable + "/explanation?currency=EUR&to=x", 422, "to"},
		{receivable + "/explanation?currency=EUR&from=2026-01-31&to=2026-01-30", 422, "to"},
		{receivable + "/statement?currency=EUR&from=2026-01-31&to=2026-01-30", 422, "to"},
		{"/v1/ledger/trial-balance?currency=x", 422, "currency"},
		{"/v1/ledger/trial-balance?tenant=other", 400, ""},
		{"/v1/ledger/entries/1", 404, ""},
		{"/v1/ledger/entries/0-7-0", 404, ""},
		{"/v1/ledger/entries/0-0-0?x=1", 400, ""},
	} {
		a := f.get(t, test.path)
		problem := a.error(t)
		field := ""
		if problem.Details != nil {
			field = problem.Details.Field
		}
		if a.status != test.status || field != test.field {
			t.Errorf("%s: %d %s, want %d of %q", test.path, a.status, a.body, test.status, test.field)
		}
	}
}
