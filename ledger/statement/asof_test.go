package statement

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

// TestAsOf: a balance, an explanation and a trial balance as of any time are the sums of the entries up to a place in each
// partition, although the clock of the entries steps back.
func TestAsOf(t *testing.T) {
	b := newBooks(t, 3)
	p := NewProjector(b.db, 0)
	b.write(t, 1, b.random(rand.New(rand.NewPCG(21, 22)), 60)...)
	b.project(t, p)
	debt := customer("customer-2-of-1").Account(ledger.CustomerDebt)
	rapid.Check(t, func(r *rapid.T) {
		moment := func(name string) time.Time {
			return epoch.Add(time.Duration(rapid.IntRange(-2, 130).Draw(r, name)) * 500 * time.Millisecond)
		}
		before := moment("before")
		for _, account := range []ledger.Account{receivable, debt} {
			want := b.sum(account, begin, before)
			got, err := AsOf(t.Context(), b.db, account, before)
			if err != nil || got.Minor != want || !got.Complete {
				r.Errorf("%s before %s: %+v, %v, want %d", account.Code, before, got, err, want)
			}
			from := moment("from")
			x, err := Explain(t.Context(), b.db, account, from, before)
			if err != nil {
				r.Fatal(err)
			}
			moved := int64(0)
			for _, m := range x.Movements {
				moved += m.Net()
			}
			if x.Opening != b.sum(account, begin, from) || x.Closing != want || moved != b.sum(account, from, before) {
				r.Errorf("%s from %s to %s: %+v", account.Code, from, before, x)
			}
		}
		trial, err := TrialAsOf(t.Context(), b.db, "acme", before)
		if err != nil || !trial.Complete {
			r.Fatal(trial, err)
		}
		got, sum := map[ledger.AccountCode]int64{}, int64(0)
		for _, l := range trial.Lines {
			got[l.Code] = l.Minor
			sum += l.Minor
		}
		if want := b.trial(before); sum != 0 || !maps.Equal(got, want) {
			r.Errorf("trial balance before %s: %v, want %v", before, got, want)
		}
	})
	now, err := Now(t.Context(), b.db, receivable)
	if want := b.sum(receivable, begin, end); err != nil || now.Minor != want {
		t.Errorf("now %+v, %v, want %d", now, err, want)
	}
	if trial, err := TrialAsOf(t.Context(), b.db, "other", end); err != nil || len(trial.Lines) != 0 {
		t.Errorf("trial balance of another tenant: %v, %v", trial, err)
	}
}

// sum is the model of what moved an account in a time.
func (b *books) sum(account ledger.Account, from, to time.Time) (sum int64) {
	for _, l := range b.statementOf(account) {
		if !l.booked.Before(from) && l.booked.Before(to) {
			sum += l.amount
		}
	}
	return sum
}

func (b *books) trial(before time.Time) map[ledger.AccountCode]int64 {
	trial := map[ledger.AccountCode]int64{}
	seen := map[ledger.AccountID]bool{}
	for _, e := range b.entries {
		for _, p := range e.Postings {
			id := p.Account.ID()
			if seen[id] {
				continue
			}
			seen[id] = true
			if slices.ContainsFunc(b.statementOf(p.Account), func(l modelLine) bool { return l.booked.Before(before) }) {
				trial[p.Account.Code] += b.sum(p.Account, begin, before)
			}
		}
	}
	return trial
}

// TestReadersAreToldOfALag: what the projection has not reached, or is making anew, is said.
func TestReadersAreToldOfALag(t *testing.T) {
	b := newBooks(t, 1)
	p := NewProjector(b.db, 0)
	random := rand.New(rand.NewPCG(23, 24))
	b.write(t, 0, b.random(random, 20)...)
	b.project(t, p)
	projected := b.sum(receivable, begin, end)
	b.write(t, 0, b.random(random, 20)...)
	all := b.sum(receivable, begin, end)

	x, err := Explain(t.Context(), b.db, receivable, epoch, time.Time{})
	if err != nil || x.Complete || x.Balance != all || x.Closing != projected || x.Missing != all-projected || x.Progress.Lag() == 0 {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if got, err := AsOf(t.Context(), b.db, receivable, end); err != nil || got.Complete || got.Minor != projected {
		t.Errorf("as of later %+v, %v", got, err)
	}
	if got, err := AsOf(t.Context(), b.db, receivable, epoch.Add(5*time.Second)); err != nil || !got.Complete {
		t.Errorf("as of a time that the projection has passed %+v, %v", got, err)
	}
	if err := Rebuild(t.Context(), b.db); err != nil {
		t.Fatal(err)
	}
	page, err := ReadPage(t.Context(), b.db, Query{Account: receivable, Limit: 10})
	if err != nil || len(page.Lines) != 0 || page.Closing != 0 || !page.Progress[0].Rebuilding || page.Progress.Lag() != b.next[0] {
		t.Errorf("statement of what is made anew %+v, %v", page, err)
	}
	if trial, err := TrialAsOf(t.Context(), b.db, "", end); err != nil || trial.Complete || len(trial.Lines) != 0 {
		t.Errorf("trial balance of what is made anew %+v, %v", trial, err)
	}
	b.project(t, p)
	if got, err := AsOf(t.Context(), b.db, receivable, end); err != nil || !got.Complete || got.Minor != all {
		t.Errorf("rebuilt %+v, %v, want %d", got, err, all)
	}
}

func TestExplanation(t *testing.T) {
	b := newBooks(t, 2)
	for i := range 12 {
		c := customer(fmt.Sprint("ana-", i%2))
		e, err := ledger.DepositCaptured(c, int64(100*(i+1)), 7, ledger.Standing{})
		if i%3 == 0 {
			e, err = ledger.RefundSettled(c, 30)
		}
		if err != nil {
			t.Fatal(err)
		}
		e.ID = ledger.EntryID{Partition: int32(i % 2), Position: int64(i)}
		e.At = epoch.Add(time.Duration(i) * time.Hour)
		b.write(t, 0, e)
	}
	b.project(t, NewProjector(b.db, 0))
	x, err := Explain(t.Context(), b.db, receivable, epoch.Add(90*time.Minute), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	want := []Movement{
		{"deposit_captured", 7, 5351, 0, hour(2), hour(11)}, {"refund_settled", 3, 0, 90, hour(3), hour(9)},
	}
	if x.Opening != 163 || fmt.Sprint(x.Movements) != fmt.Sprint(want) || x.Closing != 163+5351-90+0 || x.Missing != 0 || !x.Complete {
		t.Errorf("got  %+v\nwant %v", x, want)
	}
	var amounts []int64
	for _, l := range x.Largest {
		amounts = append(amounts, l.Amount)
	}
	if !slices.Equal(amounts, []int64{1193, 1093, 893, 793, 593}) || x.Largest[0].Template != "deposit_captured" {
		t.Errorf("largest %v", x.Largest)
	}
}
