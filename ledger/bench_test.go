package ledger

import "testing"

// BenchmarkEntry builds entries and applies them: with -benchmem, one allocation each, for the postings.
func BenchmarkEntry(b *testing.B) {
	holder := Customer{"acme", "cus_0123456789", "EUR"}
	for _, c := range []struct {
		name string
		book func(Standing) (Entry, error)
	}{
		{"deposit with fee", func(s Standing) (Entry, error) { return DepositCaptured(holder, 1000, 30, s) }},
		{"credit and debit", func(s Standing) (Entry, error) {
			if s.Available > 0 {
				return WalletDebited(holder, GameRevenue, 700)
			}
			return WalletCredited(holder, GameRevenue, 700, s)
		}},
		{"forced debit and credit", func(s Standing) (Entry, error) {
			if s.Debt > 0 {
				return WalletCredited(holder, Adjustments, 700, s)
			}
			return ForcedDebit(holder, PSPReceivable, 400, s)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			book := NewBalances()
			for b.Loop() {
				e, err := c.book(book.Standing(holder))
				if err == nil {
					err = book.Apply(&e)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAccountID(b *testing.B) {
	account := ana.Account(CustomerWallet)
	b.ReportAllocs()
	for b.Loop() {
		account.ID()
	}
}
