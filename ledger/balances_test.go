package ledger

import (
	"errors"
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestApplyChangesNothingOnError(t *testing.T) {
	wallet, receivable, fees := ana.Account(CustomerWallet), ana.System(PSPReceivable), ana.System(PSPFees)
	for name, c := range map[string]struct {
		postings []Posting
		want     func(error) bool
	}{
		"unbalanced": {[]Posting{{receivable, 5}, {wallet, -4}}, func(err error) bool { return errors.Is(err, ErrUnbalanced) }},
		"overflow":   {[]Posting{{fees, -3}, {wallet, -4}, {receivable, 7}}, func(err error) bool { return errors.Is(err, ErrOverflow) }},
		"floor": {[]Posting{{wallet, 60}, {wallet, 41}, {fees, -101}}, func(err error) bool {
			floor := (*FloorError)(nil)
			return errors.As(err, &floor) && floor.Balance == 1 && floor.Account == wallet
		}},
	} {
		book := NewBalances()
		book.Set(wallet.ID(), -100)
		book.Set(receivable.ID(), math.MaxInt64-6)
		before := maps.Clone(book.minor)
		if err := book.Apply(&Entry{Postings: c.postings}); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if !maps.Equal(before, book.minor) {
			t.Errorf("%s: the book was changed from %v to %v", name, before, book.minor)
		}
	}
}

func TestApplyMayPassBelowTheFloorOnTheWay(t *testing.T) {
	book := NewBalances()
	e := Entry{Postings: []Posting{{ana.Account(CustomerWallet), 5}, {ana.Account(CustomerWallet), -5}}}
	if err := book.Apply(&e); err != nil {
		t.Error(err)
	}
}

func TestForget(t *testing.T) {
	book := NewBalances()
	id := ana.Account(CustomerWallet).ID()
	if book.Holds(id) {
		t.Error("an empty book holds an account")
	}
	book.Set(id, -5)
	if !book.Holds(id) || book.Len() != 1 || book.Balance(id) != -5 || book.Standing(ana) != (Standing{Available: 5}) {
		t.Errorf("after Set: %+v", book)
	}
	book.Forget(id)
	if book.Holds(id) || book.Len() != 0 {
		t.Error("the account is still held after Forget")
	}
}

func TestBalancesNeverWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		book := NewBalances()
		id, other := ana.System(PSPReceivable).ID(), ana.System(PSPFees).ID()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			minor := edgy().Filter(func(m int64) bool { return m != 0 && m != math.MinInt64 }).Draw(t, "minor")
			before := book.Balance(id)
			err := book.Apply(&Entry{Postings: []Posting{{ana.System(PSPReceivable), minor}, {ana.System(PSPFees), -minor}}})
			after := book.Balance(id)
			switch {
			case err != nil && (!errors.Is(err, ErrOverflow) || after != before):
				t.Fatalf("%d, then %d, then %d: %v", before, minor, after, err)
			case err == nil && (minor > 0) != (after > before):
				t.Fatalf("%d with %d wrapped to %d", before, minor, after)
			}
			if book.Balance(other) != -after {
				t.Fatalf("the two balances are %d and %d", after, book.Balance(other))
			}
		}
	})
}
