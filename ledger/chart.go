package ledger

import "slices"

// The codes of the chart of accounts. Account ids are computed from them: a code never changes.
const (
	PSPReceivable  AccountCode = "psp_receivable"
	SettlementBank AccountCode = "settlement_bank"
	CustomerDebt   AccountCode = "customer_debt"
	Suspense       AccountCode = "suspense"

	CustomerWallet  AccountCode = "customer_wallet"
	CustomerHold    AccountCode = "customer_hold"
	MerchantPayable AccountCode = "merchant_payable"
	RefundsInFlight AccountCode = "refunds_in_flight"
	PayoutsInFlight AccountCode = "payouts_in_flight"
	InTransit       AccountCode = "in_transit"
	AccruedPSPFees  AccountCode = "accrued_psp_fees"
	FXPosition      AccountCode = "fx_position"

	RetainedEarnings AccountCode = "retained_earnings"

	GameRevenue       AccountCode = "game_revenue"
	SalesRevenue      AccountCode = "sales_revenue"
	CommissionRevenue AccountCode = "commission_revenue"
	FXRevenue         AccountCode = "fx_revenue"

	PSPFees        AccountCode = "psp_fees"
	ChargebackFees AccountCode = "chargeback_fees"
	BonusExpense   AccountCode = "bonus_expense"
	Adjustments    AccountCode = "adjustments"
	Losses         AccountCode = "losses"
	Rounding       AccountCode = "rounding"
)

// Class is what an account is in the balance sheet or the income statement.
type Class string

const (
	Asset     Class = "asset"
	Liability Class = "liability"
	Equity    Class = "equity"
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
	HeldByCustomer Holder = "customer" // one account for each customer and currency; a merchant is a customer too
	HeldBySystem   Holder = "system"   // one for each tenant and currency
)

// ChartLine describes the accounts of one code.
type ChartLine struct {
	Code   AccountCode
	Class  Class
	Holder Holder
	// Guarded (L4): never below zero on its normal side. Only what is credit-normal and has one balance row is guarded.
	Guarded bool
	// Partitioned: the account has a balance row in each partition, and its balance is their sum. Otherwise it has one, in
	// the partition of the customer who owns it.
	Partitioned bool
	Purpose     string
}

// chart is never changed.
var chart = [...]ChartLine{
	{PSPReceivable, Asset, HeldBySystem, false, true,
		"What the PSP owes us: captures, less its fees, refunds, payouts, chargebacks and what it has settled. Below zero, we owe it."},
	{SettlementBank, Asset, HeldBySystem, false, true,
		"Our account at the bank, where PSPs settle."},
	{CustomerDebt, Asset, HeldByCustomer, false, false,
		"What the customer owes us: the part of a forced debit that the wallet did not hold. Later credits repay it first."},
	{Suspense, Asset, HeldBySystem, false, true,
		"Money that moved and that nobody can be charged with yet: what a PSP gave back above what was captured, and differences of settlements, until a person has closed the case."},

	{CustomerWallet, Liability, HeldByCustomer, true, false,
		"What we owe the customer and the customer may use."},
	{CustomerHold, Liability, HeldByCustomer, true, false,
		"What we owe the customer and have set aside, for a hold or for a payout that is not sent yet; not available."},
	{MerchantPayable, Liability, HeldByCustomer, false, true,
		"What we owe a merchant for sales, in the partitions of those who bought, until a sweep brings it to the merchant's wallet."},
	{RefundsInFlight, Liability, HeldBySystem, false, true,
		"Refunds that left the wallet and are neither settled nor failed."},
	{PayoutsInFlight, Liability, HeldBySystem, false, true,
		"Payouts that were sent to the PSP and are neither paid nor failed."},
	{InTransit, Liability, HeldBySystem, false, true,
		"Money on its way between two partitions: it left one customer and has not reached the other. Zero over all partitions when nothing is on its way."},
	{AccruedPSPFees, Liability, HeldBySystem, false, true,
		"Fees that we expect of the PSP and that it has not charged yet."},
	{FXPosition, Liability, HeldBySystem, false, true,
		"What conversions have left us of the currency beyond what we owe in it (long); below zero, we are short of it. Once all is covered at the bank, what is left is gain or loss on rates, and fx_result_taken brings it to income."},

	{RetainedEarnings, Equity, HeldBySystem, false, true,
		"Income less expenses of the periods that are closed."},

	{GameRevenue, Income, HeldBySystem, false, true,
		"Bets less wins."},
	{SalesRevenue, Income, HeldBySystem, false, true,
		"Goods and services of our own, sold to customers out of their wallets."},
	{CommissionRevenue, Income, HeldBySystem, false, true,
		"What we keep of merchants' sales."},
	{FXRevenue, Income, HeldBySystem, false, true,
		"Our margin on conversions for customers, and realised gains less losses on rates."},

	{PSPFees, Expense, HeldBySystem, false, true,
		"What the PSP charges for captures and payouts."},
	{ChargebackFees, Expense, HeldBySystem, false, true,
		"What the PSP charges for handling chargebacks, won or lost."},
	{BonusExpense, Expense, HeldBySystem, false, true,
		"Bonuses granted, less those taken back."},
	{Adjustments, Expense, HeldBySystem, false, true,
		"Corrections by a person, approved by a second one."},
	{Losses, Expense, HeldBySystem, false, true,
		"What a person has given up in a case: excess that nobody can be charged with, debts that nobody will pay."},
	{Rounding, Expense, HeldBySystem, false, true,
		"Differences of a few minor units between our sums and those of a PSP or a bank."},
}

// Chart returns the chart of accounts: assets, liabilities, equity, income, expenses.
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
