package wallets_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// rich has what every bet needs.
type rich struct{}

func (rich) Balance(ledger.Customer) topics.WalletBalance {
	return topics.WalletBalance{Available: 1_000_000}
}

// BenchmarkBet decides on a bet, folds it and makes its entry.
func BenchmarkBet(b *testing.B) {
	in := &wallets.Input{Command: &topics.AssessedWalletCommand{Command: topics.WalletCommand{CommandID: id("bet"), Type: topics.WalletDebit,
		Tenant: "acme", CustomerID: "anna", Amount: 500, Currency: "EUR", Reason: topics.ReasonGame, RoundID: "round"}}}
	wallet := &wallets.Wallet{Currencies: []ledger.Currency{"EUR"}}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		state := wallets.State{Wallet: wallet, Hold: new(wallets.Hold), Round: new(wallets.Round), Limits: new(gaming.State)}
		e, _ := wallets.Decide(state, in, rich{}, now, topics.DedupHorizon)
		if err := wallets.Evolve(state, &e); err != nil {
			b.Fatal(err)
		}
		if _, err := wallets.Post(&e, topics.WalletBalance{Available: 1_000_000}); err != nil {
			b.Fatal(err)
		}
	}
}
