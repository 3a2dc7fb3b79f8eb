package payments_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

type codeIn struct{ code, currency string }

// reported is what a reader of the topics knows of one tenant's periods.
type reported struct {
	entries []topics.LedgerEntry
	closed  []topics.PeriodClosed
	through ledger.Month
}

func effective(e *topics.LedgerEntry) time.Time {
	if e.EffectiveAt.IsZero() {
		return e.BookedAt
	}
	return e.EffectiveAt
}

// sums adds up what the entries have moved that took effect before a time.
func (r *reported) sums(before time.Time) map[codeIn]int64 {
	sums := map[codeIn]int64{}
	for i := range r.entries {
		if !effective(&r.entries[i]).Before(before) {
			continue
		}
		for _, p := range r.entries[i].Postings {
			sums[codeIn{p.Code, p.Currency}] += p.Amount
		}
	}
	maps.DeleteFunc(sums, func(_ codeIn, minor int64) bool { return minor == 0 })
	return sums
}

// read reads the outputs of one record and checks them against what was published before.
func (r *reported) read(t *rapid.T, in *inbox, position int64) {
	var closing []topics.LedgerEntry
	for _, o := range in.outputs[position] {
		switch o.Topic {
		case topics.Entries:
			var e topics.LedgerEntry
			decode(t, o.Value, &e)
			r.checkPeriod(t, &e)
			closing = append(closing, e)
		case topics.LedgerPeriods:
			var c topics.PeriodClosed
			decode(t, o.Value, &c)
			r.closed = append(r.closed, c)
			if c.Refusal == "" {
				r.checkClosed(t, &c, len(closing))
			}
		}
	}
	r.entries = append(r.entries, closing...)
	if n := len(r.closed); len(closing) > 0 && closing[0].Template == ledger.TemplatePeriodClosed {
		for of, minor := range r.sums(r.through.End()) {
			if line, _ := ledger.AccountCode(of.code).Line(); line.Class == ledger.Income || line.Class == ledger.Expense {
				t.Fatalf("after closing %s: %v is left at %d", r.closed[n-1].Month, of, minor)
			}
		}
	}
}

func decode(t *rapid.T, data []byte, v any) {
	if err := topics.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func (r *reported) checkPeriod(t *rapid.T, e *topics.LedgerEntry) {
	period := ledger.MonthOf(effective(e)).String()
	if e.Period != "" {
		period = e.Period
	}
	if got, err := ledger.ParseMonth(period); err != nil || !r.through.Before(got) {
		t.Fatalf("entry %s counts in %s, which is closed: the last closed period is %s", e.EntryID, period, r.through)
	}
	if e.Period != "" && r.through.Before(ledger.MonthOf(effective(e))) {
		t.Fatalf("entry %s of %s is moved to %s, although only %s is closed", e.EntryID, effective(e), e.Period, r.through)
	}
}

func (r *reported) checkClosed(t *rapid.T, c *topics.PeriodClosed, entries int) {
	month, err := ledger.ParseMonth(c.Month)
	if err != nil {
		t.Fatal(err)
	}
	lines, zero := map[codeIn]int64{}, map[string]int64{}
	for _, line := range c.Lines {
		lines[codeIn{line.Code, line.Currency}] = line.Amount
		zero[line.Currency] += line.Amount
	}
	if want := r.sums(month.End()); !maps.Equal(lines, want) {
		t.Fatalf("the trial balance of %s is %v, want %v", c.Month, lines, want)
	}
	for currency, sum := range zero {
		if sum != 0 {
			t.Fatalf("the trial balance of %s sums to %d in %s", c.Month, sum, currency)
		}
	}
	if len(c.Entries) != entries {
		t.Fatalf("%s was closed with %d entries and names %v", c.Month, entries, c.Entries)
	}
	r.through = month
}

// TestPeriodsClose books over several months, back-dated and late, closes months in between, and holds each trial balance
// to what the entries before it say.
func TestPeriodsClose(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	tenants := 0
	rapid.Check(t, func(t *rapid.T) {
		tenants++
		periodsClose(t, in, fmt.Sprintf("tenant%d", tenants))
	})
}

func periodsClose(t *rapid.T, in *inbox, tenant string) {
	r := &reported{}
	read := in.next
	steps := []time.Duration{time.Second, time.Hour, 9 * 24 * time.Hour}
	for range rapid.IntRange(1, 40).Draw(t, "records") {
		in.now = in.now.Add(rapid.SampledFrom(steps).Draw(t, "step"))
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			month := ledger.MonthOf(in.now.AddDate(0, -rapid.IntRange(0, 2).Draw(t, "months ago"), 0))
			in.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: newID(), Tenant: tenant, Month: month.String(),
				RequestedBy: "ana", ApprovedBy: "bo"})
		case 1:
			in.fold(rapid.IntRange(1, 5).Draw(t, "batch"))
			in.restart()
		default:
			in.put(topics.TypeAssessedWallet, topics.AssessedWalletCommand{Command: drawMovement(t, tenant, in.now)})
		}
	}
	in.fold(rapid.IntRange(1, 9).Draw(t, "batch"))
	for ; read < in.next; read++ {
		r.read(t, in, read)
	}
}

func newID() string { return uuid.Must(uuid.NewV4()).String() }

// drawMovement draws a bet, a win or a bonus, which may be back-dated.
func drawMovement(t *rapid.T, tenant string, now time.Time) topics.WalletCommand {
	c := topics.WalletCommand{
		CommandID: newID(), Tenant: tenant, CustomerID: rapid.SampledFrom([]string{"ana", "bo"}).Draw(t, "customer"),
		Type: topics.WalletCredit, Amount: rapid.Int64Range(1, 900).Draw(t, "amount"),
		Currency: rapid.SampledFrom([]string{"EUR", "KWD"}).Draw(t, "currency"), Reason: topics.ReasonBonus,
	}
	switch rapid.IntRange(0, 2).Draw(t, "movement") {
	case 0:
		c.Type, c.Reason, c.RoundID = topics.WalletDebit, topics.ReasonGame, "r1"
	case 1:
		c.Reason, c.RoundID = topics.ReasonGame, "r2"
	}
	if days := rapid.IntRange(0, 120).Draw(t, "days before"); days > 0 && rapid.Bool().Draw(t, "back-dated") {
		c.EffectiveAt = now.AddDate(0, 0, -days)
	}
	return c
}

func TestPeriodsRefuse(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	ask := func(month, requested, approved string) topics.PeriodClosed {
		t.Helper()
		id := newID()
		for range 2 { // the repeat is dropped
			in.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: id, Tenant: "acme", Month: month, RequestedBy: requested, ApprovedBy: approved})
		}
		in.fold(10)
		if repeated := in.outputs[in.next-1]; len(repeated) != 0 {
			t.Fatalf("the repeat published %d records", len(repeated))
		}
		var c topics.PeriodClosed
		for _, o := range in.outputs[in.next-2] {
			if err := topics.Unmarshal(o.Value, &c); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	for _, c := range []struct{ name, month, requested, approved, refusal, detail string }{
		{"not over", "2026-03", "ana", "bo", "wrong_state", "2026-03 ends at 2026-04-01T00:00:00Z"},
		{"one person", "2026-02", "ana", "Ana ", "invalid", "two different people"},
		{"nobody approves", "2026-02", "ana", "", "invalid", "two different people"},
		{"closed", "2026-02", "ana", "bo", "", ""},
		{"closed before", "2026-02", "ana", "bo", "finished", "up to 2026-02 are closed"},
		{"closed with a later one", "2025-12", "ana", "bo", "finished", "up to 2026-02 are closed"},
	} {
		if got := ask(c.month, c.requested, c.approved); string(got.Refusal) != c.refusal || !strings.Contains(got.Detail, c.detail) {
			t.Errorf("%s: refusal %q, detail %q; want %q, %q", c.name, got.Refusal, got.Detail, c.refusal, c.detail)
		}
		in.restart()
	}
	none := newID()
	in.put(topics.TypePeriodClose, topics.PeriodClose{CommandID: none, Tenant: "acme", Month: "February"})
	in.fold(1)
	answers := outputsOf[topics.PeriodClosed](t, in.published, topics.LedgerPeriods)
	if last := answers[len(answers)-1]; last.CommandID != none || last.Refusal != topics.RefusedUndecodable || !strings.Contains(last.Detail, "February") {
		t.Errorf("who asked for a month that is none is told %+v", last)
	}
	if n := len(outputsOf[topics.PaymentEvent](t, in.published, topics.Events)); n != 0 {
		t.Errorf("%d events of payments tell of closings", n)
	}
	if len(in.letters) != 1 || !strings.Contains(in.letters[0].Detail, `month "February"`) {
		t.Errorf("a month that is none: %+v", in.letters)
	}
}

// TestIssuedAhead: a command that claims to be issued long after its record would never grow too old to be repeated.
func TestIssuedAhead(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	for _, c := range []struct {
		ahead   time.Duration
		refusal topics.RefusalCode
	}{{23 * time.Hour, ""}, {25 * time.Hour, topics.RefusedInvalid}} {
		in.put(topics.TypeAssessedWallet, topics.AssessedWalletCommand{Command: topics.WalletCommand{CommandID: newID(), Tenant: "acme",
			CustomerID: "ana", Type: topics.WalletCredit, Amount: 5, Currency: "EUR", Reason: topics.ReasonBonus, IssuedAt: in.now.Add(c.ahead)}})
		in.fold(1)
		var e topics.WalletEvent
		for _, o := range in.outputs[in.next-1] {
			if o.Topic == topics.WalletEvents {
				if err := topics.Unmarshal(o.Value, &e); err != nil {
					t.Fatal(err)
				}
			}
		}
		if e.Refusal != c.refusal {
			t.Errorf("issued %s ahead: %+v", c.ahead, e)
		}
	}
}
