package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// The chart of accounts for wallet deposits.
const (
	CustomerWallet  AccountCode = "customer_wallet"
	CustomerDebt    AccountCode = "customer_debt"
	PSPReceivable   AccountCode = "psp_receivable"
	PSPFees         AccountCode = "psp_fees"
	RefundsInFlight AccountCode = "refunds_in_flight"
	Suspense        AccountCode = "suspense"
	CustomerHold    AccountCode = "customer_hold"
	GameRevenue     AccountCode = "game_revenue"
	BonusExpense    AccountCode = "bonus_expense"
	SalesRevenue    AccountCode = "sales_revenue"
	Adjustments     AccountCode = "adjustments"
)

// Class is what an account is in the balance sheet or the income statement.
type Class string

const (
	Asset     Class = "asset"
	Liability Class = "liability"
	Income    Class = "income"
	Expense   Class = "expense"
)

// Side is debit or credit.
type Side string

const (
	Debit  Side = "debit"
	Credit Side = "credit"
)

// Normal is the side on which an account of the class grows.
func (c Class) Normal() Side {
	if c == Asset || c == Expense {
		return Debit
	}
	return Credit
}

// Holder says who owns the accounts of a code.
type Holder string

const (
	HeldByCustomer Holder = "customer" // one account for each customer and currency
	HeldBySystem   Holder = "system"   // one for each tenant and currency, with a balance row in each partition
)

// ChartLine describes the accounts of one code.
type ChartLine struct {
	Code    AccountCode
	Class   Class
	Holder  Holder
	Guarded bool // L4: never below zero on its normal side; only credit-normal accounts are guarded
	Purpose string
}

// chart is never changed.
var chart = [...]ChartLine{
	{CustomerWallet, Liability, HeldByCustomer, true, "What we owe the customer: captured deposits less what was given back."},
	{CustomerDebt, Asset, HeldByCustomer, false, "What the customer owes us: the part of a forced debit that the wallet did not hold. Later credits repay it first."},
	{PSPReceivable, Asset, HeldBySystem, false, "What the PSP owes us: captures less its fees and settled refunds."},
	{PSPFees, Expense, HeldBySystem, false, "What the PSP kept of captures."},
	{RefundsInFlight, Liability, HeldBySystem, false, "Refunds that left the wallet and are neither settled nor failed."},
	{Suspense, Asset, HeldBySystem, false, "Refunds that the PSP settled above what was captured, until a person has closed the case."},
	{CustomerHold, Liability, HeldByCustomer, true, "What we owe the customer and have set aside for a hold; not available."},
	{GameRevenue, Income, HeldBySystem, false, "Bets less wins."},
	{BonusExpense, Expense, HeldBySystem, false, "Bonuses granted, less those taken back."},
	{SalesRevenue, Income, HeldBySystem, false, "Goods and services sold to customers out of their wallets."},
	{Adjustments, Expense, HeldBySystem, false, "Corrections by a person, approved by a second one."},
}

// Chart returns the chart of accounts.
func Chart() []ChartLine { return slices.Clone(chart[:]) }

// Line looks a code up in the chart.
func (c AccountCode) Line() (ChartLine, bool) {
	for i := range chart {
		if chart[i].Code == c {
			return chart[i], true
		}
	}
	return ChartLine{}, false
}

// ChartDocument is docs/chart-of-accounts.md.
func ChartDocument() string {
	var b strings.Builder
	b.WriteString(`# Chart of accounts

Generated from ledger/chart.go. A customer's account exists once for each currency; a system account once for each tenant
and currency, with a balance row in each partition. Balances are stored debits positive and shown on the normal side.
A guarded account never goes below zero on its normal side (L4).

| code | class | normal side | owner | guarded | purpose |
|---|---|---|---|---|---|
`)
	for _, line := range chart {
		guarded := "no"
		if line.Guarded {
			guarded = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", line.Code, line.Class, line.Class.Normal(), line.Holder, guarded, line.Purpose)
	}
	return b.String()
}
