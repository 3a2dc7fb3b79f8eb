package ledger

import (
	"math"
	"testing"
)

func TestWalletTemplates(t *testing.T) {
	none := Standing{}
	for _, c := range []struct{ name, got, want string }{
		{"win", book(WalletCredited(ana, GameRevenue, 700, none)), "game_credit: game_revenue 700, customer_wallet -700"},
		{"win of one who owes", book(WalletCredited(ana, GameRevenue, 700, Standing{Debt: 200})),
			"game_credit: game_revenue 700, customer_debt -200, customer_wallet -500"},
		{"bonus", book(WalletCredited(ana, BonusExpense, 700, none)), "bonus_granted: bonus_expense 700, customer_wallet -700"},
		{"purchase given back", book(WalletCredited(ana, SalesRevenue, 700, none)),
			"purchase_refunded: sales_revenue 700, customer_wallet -700"},
		{"correction", book(WalletCredited(ana, Adjustments, 700, none)), "adjustment_credit: adjustments 700, customer_wallet -700"},
		{"credit against the PSP", book(WalletCredited(ana, PSPReceivable, 700, none)),
			`wallet movement against account "psp_receivable", want game_revenue, bonus_expense, sales_revenue or adjustments`},
		{"bet", book(WalletDebited(ana, GameRevenue, 700)), "game_debit: customer_wallet 700, game_revenue -700"},
		{"bonus back", book(WalletDebited(ana, BonusExpense, 700)), "bonus_taken_back: customer_wallet 700, bonus_expense -700"},
		{"purchase", book(WalletDebited(ana, SalesRevenue, 700)), "purchase: customer_wallet 700, sales_revenue -700"},
		{"correction down", book(WalletDebited(ana, Adjustments, 700)), "adjustment_debit: customer_wallet 700, adjustments -700"},
		{"debit onto the wallet", book(WalletDebited(ana, CustomerWallet, 700)),
			`wallet movement against account "customer_wallet", want game_revenue, bonus_expense, sales_revenue or adjustments`},
		{"hold", book(HoldPlaced(ana, 700)), "hold_placed: customer_wallet 700, customer_hold -700"},
		{"release", book(HoldReleased(ana, 700, none)), "hold_released: customer_hold 700, customer_wallet -700"},
		{"release after a forced debit", book(HoldReleased(ana, 700, Standing{Debt: 300})),
			"hold_released: customer_hold 700, customer_debt -300, customer_wallet -400"},
		{"capture", book(HoldCaptured(ana, SalesRevenue, 700)), "hold_captured: customer_hold 700, sales_revenue -700"},
		{"capture onto nothing known", book(HoldCaptured(ana, "", 700)),
			`wallet movement against account "", want game_revenue, bonus_expense, sales_revenue or adjustments`},
		{"lost round rolled back", book(RoundRolledBack(ana, 700, Standing{Debt: 100})),
			"round_rolled_back: game_revenue 700, customer_debt -100, customer_wallet -600"},
		{"won round rolled back", book(RoundRolledBack(ana, -700, Standing{Available: 900})),
			"round_rolled_back: game_revenue -700, customer_wallet 700"},
		{"won round rolled back after it was spent", book(RoundRolledBack(ana, -700, Standing{Available: 200})),
			"round_rolled_back: game_revenue -700, customer_wallet 200, customer_debt 500"},
		{"even round", book(RoundRolledBack(ana, 0, none)),
			"round_rolled_back: net 0, want an amount to give back (above zero) or to take (below)"},
		{"lowest net", book(RoundRolledBack(ana, math.MinInt64, none)),
			"round_rolled_back: amount -9223372036854775808, want more than zero"},
		{"nothing", book(WalletDebited(ana, GameRevenue, 0)), "game_debit: amount 0, want more than zero"},
		{"less than nothing", book(HoldPlaced(ana, -1)), "hold_placed: amount -1, want more than zero"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}
