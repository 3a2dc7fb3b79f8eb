package statement

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

// receivable is an account with lines in every partition.
var receivable = customer("").System(ledger.PSPReceivable)

// modelLine is a line of the model over all partitions.
type modelLine struct {
	entry           ledger.EntryID
	booked          time.Time
	amount, balance int64
}

// statementOf is the model of a whole statement: the lines of all partitions by time, with the balance over all of them.
func (b *books) statementOf(account ledger.Account) []modelLine {
	var all []modelLine
	want := b.want()
	for partition := range b.next {
		for _, l := range want[key(int32(partition), account.ID())] {
			all = append(all, modelLine{ledger.EntryID{Partition: int32(partition), Position: l.Position, Index: l.Ordinal}, l.Booked, l.Amount, 0})
		}
	}
	slices.SortStableFunc(all, func(a, b modelLine) int {
		return cmp.Or(a.booked.Compare(b.booked), cmp.Compare(a.entry.Partition, b.entry.Partition))
	})
	balance := int64(0)
	for i := range all {
		balance += all[i].amount
		all[i].balance = balance
	}
	return all
}

func linesOf(page *Page) (lines []modelLine) {
	for _, l := range page.Lines {
		lines = append(lines, modelLine{l.Entry, l.Booked, l.Amount, l.Balance})
	}
	return lines
}

// pages reads a statement page by page until there are no more lines, and what it does between two pages.
func (b *books) pages(t *testing.T, q Query, between func()) (pages []*Page) {
	t.Helper()
	for {
		page, err := ReadPage(t.Context(), b.db, q)
		if err != nil {
			t.Fatal(err)
		}
		if pages = append(pages, page); !page.More {
			return pages
		}
		between()
		text := page.End.String()
		if page.Backwards {
			text = page.Start.String()
		}
		cursor, err := ParseCursor(text)
		if err != nil {
			t.Fatal(err)
		}
		if q.After, q.Before = cursor, nil; page.Backwards {
			q.After, q.Before = nil, cursor
		}
	}
}

// TestPages reads statements of one partition and of several, both ways, in pages of any size and in any range.
func TestPages(t *testing.T) {
	b := newBooks(t, 3)
	p := NewProjector(b.db, 0)
	b.write(t, 0, b.random(rand.New(rand.NewPCG(11, 12)), 200)...)
	b.project(t, p)
	rapid.Check(t, func(r *rapid.T) {
		account := rapid.SampledFrom([]ledger.Account{receivable, customer("customer-1-of-1").Account(ledger.CustomerDebt)}).Draw(r, "account")
		whole := b.statementOf(account)
		moment := func(name string) time.Time {
			return epoch.Add(time.Duration(rapid.IntRange(0, 210).Draw(r, name)) * time.Second)
		}
		q := Query{Account: account, Limit: rapid.IntRange(1, 60).Draw(r, "limit")}
		want, opening := whole, int64(0)
		if rapid.Bool().Draw(r, "from") {
			q.From = moment("from time")
			i := slices.IndexFunc(want, func(l modelLine) bool { return !l.booked.Before(q.From) })
			if i < 0 {
				i = len(want)
			}
			if i > 0 {
				opening = want[i-1].balance
			}
			want = want[i:]
		}
		if rapid.Bool().Draw(r, "to") {
			q.To = moment("to time")
			if i := slices.IndexFunc(want, func(l modelLine) bool { return !l.booked.Before(q.To) }); i >= 0 {
				want = want[:i]
			}
		}
		backwards := rapid.Bool().Draw(r, "backwards")
		if backwards {
			q.Before = Cursor{0: atTime(end), 1: atTime(end), 2: atTime(end)}
		} else if q.From.IsZero() {
			q.After = Cursor{0: atTime(begin)}
		}
		pages := b.pages(t, q, func() {})
		if backwards {
			slices.Reverse(pages)
		}
		var got []modelLine
		for i, page := range pages {
			got = append(got, linesOf(page)...)
			if i > 0 && page.Opening != pages[i-1].Closing {
				r.Errorf("page %d opens with %d, the one before closes with %d", i, page.Opening, pages[i-1].Closing)
			}
		}
		if pages[0].Opening != opening && len(want) > 0 {
			r.Errorf("opening %d, want %d", pages[0].Opening, opening)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Errorf("lines\n%v\nwant\n%v", got, want)
		}
	})
}

// TestPagesWhileLinesCome reads a statement of several partitions while entries are booked and partitions lag: forwards
// every line comes once, also one that is earlier than what was shown; backwards exactly those that were there.
func TestPagesWhileLinesCome(t *testing.T) {
	b := newBooks(t, 3)
	p := NewProjector(b.db, 0)
	random := rand.New(rand.NewPCG(13, 14))
	b.write(t, 0, b.random(random, 60)...)
	b.project(t, p)
	there := b.statementOf(receivable)
	left := 12
	book := func() {
		if left--; left >= 0 {
			b.write(t, 0, b.random(random, 1+random.IntN(9))...)
			b.project(t, p)
		}
	}
	check := func(pages []*Page, want []modelLine) {
		t.Helper()
		seen, sum := map[ledger.EntryID]bool{}, pages[0].Opening
		for i, page := range pages {
			if page.Opening != sum {
				t.Errorf("page %d opens with %d, want %d", i, page.Opening, sum)
			}
			for _, l := range page.Lines {
				if seen[l.Entry] {
					t.Errorf("line of entry %s twice", l.Entry)
				}
				seen[l.Entry] = true
				if sum += l.Amount; l.Balance != sum {
					t.Errorf("balance %d behind entry %s, want %d", l.Balance, l.Entry, sum)
				}
			}
			sum = page.Closing
		}
		for _, l := range want {
			if !seen[l.entry] {
				t.Errorf("no line of entry %s", l.entry)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%d lines, want %d", len(seen), len(want))
		}
	}
	back := b.pages(t, Query{Account: receivable, Limit: 7}, book)
	slices.Reverse(back)
	check(back, there)
	left = 12
	forth := b.pages(t, Query{Account: receivable, Limit: 7, After: Cursor{0: atTime(begin)}}, book)
	check(forth, b.statementOf(receivable))

	b.write(t, 0, b.random(random, 5)...)
	b.project(t, p)
	last := b.pages(t, Query{Account: receivable, Limit: 50, After: forth[len(forth)-1].End}, book)
	check(append(forth, last...), b.statementOf(receivable))
}

// TestLinesBehindTheLastPage: the end of the last page is where the lines go on that are booked after it was read, also in
// a partition that had none.
func TestLinesBehindTheLastPage(t *testing.T) {
	b := newBooks(t, 3)
	p := NewProjector(b.db, 0)
	random := rand.New(rand.NewPCG(15, 16))
	b.write(t, 0, b.random(random, 30)...)
	b.project(t, p)
	page, err := ReadPage(t.Context(), b.db, Query{Account: receivable, Limit: 1})
	for range 5 {
		if err != nil || len(page.Lines) == 0 {
			t.Fatal(page, err)
		}
		there := len(b.statementOf(receivable))
		b.write(t, 0, b.random(random, 4)...)
		b.project(t, p)
		closing := page.Closing
		page, err = ReadPage(t.Context(), b.db, Query{Account: receivable, After: page.End, Limit: 50})
		if got := len(b.statementOf(receivable)) - there; err == nil && (len(page.Lines) != got || page.Opening != closing) {
			t.Fatalf("%d lines behind the last page, opening with %d, want %d with %d", len(page.Lines), page.Opening, got, closing)
		}
	}
	none, err := ReadPage(t.Context(), b.db, Query{Account: receivable, From: epoch.Add(time.Hour), To: epoch.Add(2 * time.Hour), Limit: 1})
	if err != nil || len(none.Lines) != 0 {
		t.Fatal(none, err)
	}
	none, err = ReadPage(t.Context(), b.db, Query{Account: receivable, To: epoch.Add(-time.Hour), Limit: 1})
	if err != nil || len(none.Lines) != 0 {
		t.Fatal(none, err)
	}
	all, err := ReadPage(t.Context(), b.db, Query{Account: receivable, After: none.End, Limit: 500})
	if err != nil || len(all.Lines) != len(b.statementOf(receivable)) {
		t.Errorf("%d lines behind an empty page in front of all, %v", len(all.Lines), err)
	}
}

func TestLinesSayWhatTheirEntriesSay(t *testing.T) {
	b := newBooks(t, 1)
	c := customer("ana")
	e, err := ledger.DepositCaptured(c, 10000, 290, ledger.Standing{})
	if err != nil {
		t.Fatal(err)
	}
	e.At, e.Effective, e.Reference = epoch, epoch.Add(-time.Hour), "round-7"
	e.PaymentID = "pay_0000_019ac1b2f5a87c3e9d10aa5be2c17f44"
	b.write(t, 0, e)
	b.project(t, NewProjector(b.db, 0))
	page, err := ReadPage(t.Context(), b.db, Query{Account: c.Account(ledger.CustomerWallet), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := Line{
		Entry: e.ID, Booked: e.At, Effective: e.Effective, Template: e.Template, PaymentID: e.PaymentID, Reference: e.Reference,
		Amount: -10000, Balance: -10000,
	}
	if len(page.Lines) != 1 || page.Lines[0] != want || page.Closing != -10000 || page.Progress.Lag() != 0 {
		t.Errorf("got %+v, want %+v", page, want)
	}
	none := c.Account(ledger.CustomerHold)
	for _, read := range []func() error{
		func() error { _, err := ReadPage(t.Context(), b.db, Query{Account: none, Limit: 1}); return err },
		func() error { _, err := Now(t.Context(), b.db, none); return err },
		func() error { _, err := AsOf(t.Context(), b.db, none, epoch); return err },
		func() error { _, err := Explain(t.Context(), b.db, none, epoch, end); return err },
	} {
		if err := read(); !errors.Is(err, ErrNoAccount) {
			t.Errorf("%v, want ErrNoAccount", err)
		}
	}
}
