package store

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

// TestBalancesAt books entries around the end of a month, some of them back-dated and some with a clock that steps back, and
// compares the balances at its end with the sum of what took effect before.
func TestBalancesAt(t *testing.T) {
	b := newBook(t)
	end := ledger.Month{Year: 2026, Month: time.October}.End()
	customers := []ledger.Customer{ana, {Tenant: "acme", ID: "bob", Currency: "KWD"}, {Tenant: "other", ID: "ana", Currency: "EUR"}}
	want := map[string]map[CodeIn]int64{"acme": {}, "other": {}}
	now := end.Add(-4 * time.Hour)
	steps := []time.Duration{-time.Minute, 0, time.Second, 5 * time.Minute, time.Hour}
	position := int64(0)
	rapid.Check(t, func(r *rapid.T) {
		var entries []ledger.Entry
		for range rapid.IntRange(0, 8).Draw(r, "entries") {
			c := rapid.SampledFrom(customers).Draw(r, "customer")
			e := deposit(t, c, rapid.Int64Range(1, 1000).Draw(r, "amount"), rapid.Int64Range(0, 3).Draw(r, "fee"))
			now = now.Add(rapid.SampledFrom(steps).Draw(r, "step"))
			position += rapid.Int64Range(1, 5).Draw(r, "positions")
			e.ID, e.At = ledger.EntryID{Partition: partition, Position: position}, now
			if days := rapid.Int64Range(0, 20).Draw(r, "days before"); days < 5 {
				e.Effective = now.AddDate(0, 0, -int(days))
			}
			if effective := e.Effective; !effective.IsZero() && effective.Before(end) || effective.IsZero() && e.At.Before(end) {
				for _, p := range e.Postings {
					want[c.Tenant][CodeIn{p.Account.Code, p.Account.Currency}] += p.Minor
				}
			}
			entries = append(entries, e)
		}
		if err := b.db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			b.writer.Queue(&batch, entries)
			return tx.SendBatch(t.Context(), &batch).Close()
		}); err != nil {
			r.Fatal(err)
		}
		for tenant, sums := range want {
			got, err := BalancesAt(t.Context(), b.db.Pool, partition, tenant, end)
			if err != nil {
				r.Fatal(err)
			}
			small := map[CodeIn]int64{}
			for of, sum := range got {
				if small[of] = sum.Int64(); sum.Sign() == 0 {
					delete(small, of)
				}
			}
			if !maps.Equal(small, sums) {
				r.Fatalf("%s: %v, want %v", tenant, got, sums)
			}
		}
	})
	if now.Before(end) {
		t.Fatalf("the entries end at %s: the month's end was not crossed", now)
	}
}

// TestBalancesBeyond64Bits sums the wallets of three customers who have nearly as much as a balance holds.
func TestBalancesBeyond64Bits(t *testing.T) {
	b := newBook(t)
	const most = math.MaxInt64 - 1
	var entries []ledger.Entry
	for i, name := range []string{"ana", "bob", "eve"} {
		c := ledger.Customer{Tenant: "acme", ID: name, Currency: "EUR"}
		e := ledger.Entry{ID: ledger.EntryID{Partition: partition, Position: int64(i)}, Template: "test", At: time.Unix(1_790_000_000, 0),
			Postings: []ledger.Posting{{Account: c.Account(ledger.CustomerDebt), Minor: most}, {Account: c.Account(ledger.CustomerWallet), Minor: -most}}}
		entries = append(entries, e)
	}
	if err := b.db.InTx(t.Context(), func(tx pgx.Tx) error {
		var batch pgx.Batch
		b.writer.Queue(&batch, entries)
		return tx.SendBatch(t.Context(), &batch).Close()
	}); err != nil {
		t.Fatal(err)
	}
	sums, err := BalancesAt(t.Context(), b.db.Pool, partition, "acme", time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[CodeIn]string{
		{ledger.CustomerDebt, "EUR"}: "27670116110564327418", {ledger.CustomerWallet, "EUR"}: "-27670116110564327418",
	} {
		if got := sums[of].String(); got != want {
			t.Errorf("%s: %s, want %s", of.Code, got, want)
		}
	}
}
