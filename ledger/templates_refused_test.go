package ledger

import (
	"math"
	"testing"
)

// TestTemplatesRefuse: what a caller gets wrong is told, with what would be right.
func TestTemplatesRefuse(t *testing.T) {
	none := Standing{}
	dollars := Customer{"acme", "ana", "USD"}
	for _, c := range []struct{ got, want string }{
		{book(PSPFeeCharged(ana, 0, 0)), "psp_fee_charged: fee 0 with 0 accrued, want one of them"},
		{book(PSPFeeCharged(ana, 5, -1)), "psp_fee_charged: accrued -1, want zero or more"},
		{book(PSPFeeCharged(ana, math.MinInt64, 1)),
			"psp_fee_charged: fee less accrued: -9223372036854775808 - 1: amount does not fit 64 bits of minor units"},
		{book(PSPFeeAccrued(ana, 0)), "psp_fee_accrued: amount 0, want more than zero"},
		{book(PayoutPaid(ana, math.MaxInt64, 1)),
			"payout and fee: 9223372036854775807 + 1: amount does not fit 64 bits of minor units"},
		{book(SettlementReceived(ana, Settlement{}, "case-1")), "settlement_received: nothing was claimed, deducted or received"},
		{book(SettlementReceived(ana, Settlement{Claimed: 500, Received: 399}, "")),
			"settlement_received: no case, want the id of the one that a person will close"},
		{book(SettlementReceived(ana, Settlement{Claimed: 500, Received: 601}, "")),
			"settlement_received: no case, want the id of the one that a person will close"},
		{book(SettlementReceived(ana, Settlement{Claimed: 500, Received: 400}, "")),
			"settlement_received: settlement_bank 400, psp_receivable -500, rounding 100"},
		{book(SettlementReceived(ana, Settlement{Claimed: 500, Received: 600}, "")),
			"settlement_received: settlement_bank 600, psp_receivable -500, rounding -100"},
		{book(SettlementReceived(ana, Settlement{Claimed: -500, Received: -500}, "")),
			"settlement_received: settlement_bank -500, psp_receivable 500"},
		{book(RoundingBooked(ana, PSPReceivable, 0)), "rounding_booked: 0 off psp_receivable, want 1 to 100 minor units either way off another account"},
		{book(RoundingBooked(ana, PSPReceivable, 101)), "rounding_booked: 101 off psp_receivable, want 1 to 100 minor units either way off another account"},
		{book(RoundingBooked(ana, Rounding, 1)), "rounding_booked: 1 off rounding, want 1 to 100 minor units either way off another account"},
		{book(RoundingBooked(ana, CustomerWallet, 1)),
			`entry 0-0-0: posting 1: account customer_wallet: owner "", but it is held by the customer`},
		{book(ExcessWrittenOff(ana, 5, "")), "excess_written_off: no case, want the id of the one that a person will close"},
		{book(DebtWrittenOff(ana, 0, "case-1")), "debt_written_off: amount 0, want more than zero"},
		{book(ForcedDebit(ana, SettlementBank, 5, none)), "forced_debit: want psp_receivable, suspense or a wallet's account: " +
			`wallet movement against account "settlement_bank", want game_revenue, bonus_expense, sales_revenue or adjustments`},
		{book(MerchantSale(ana, "shop", 5, 6)), "merchant_sale: commission 6 of 5, want 0 to the amount"},
		{book(MerchantSale(ana, "", 5, 1)), `entry 0-0-0: posting 1: account merchant_payable: owner "", but it is held by the customer`},
		{book(MerchantSaleRefunded(ana, "shop", 5, -1, none)), "merchant_sale_refunded: commission -1 of 5, want 0 to the amount"},
		{book(FXConverted(ana, ana, 5, 5, 0, none)), "fx_converted: from acme ana EUR to acme ana EUR, want two currencies of one customer"},
		{book(FXConverted(ana, Customer{"acme", "bob", "USD"}, 5, 5, 0, none)),
			"fx_converted: from acme ana EUR to acme bob USD, want two currencies of one customer"},
		{book(FXConverted(ana, dollars, 5, 5, -1, none)), "fx_converted: margin -1, want zero or more"},
		{book(FXConverted(ana, dollars, 5, 0, 1, none)), "fx_converted: amount 0, want more than zero"},
		{book(FXPositionCovered(ana, ana, 5, 5)), "fx_position_covered: from EUR to EUR, want two currencies"},
		{book(FXResultTaken(ana, 0)), "fx_result_taken: result 0, want a gain (above zero) or a loss (below)"},
	} {
		if c.got != c.want {
			t.Errorf("\n got %s\nwant %s", c.got, c.want)
		}
	}
}

// TestCaseIsTheReference: what a case moved can be added up by its id.
func TestCaseIsTheReference(t *testing.T) {
	for _, book := range []func() (Entry, error){
		func() (Entry, error) { return ExcessSuspended(ana, 5, "case-1") },
		func() (Entry, error) { return ExcessRecovered(ana, 5, "case-1") },
		func() (Entry, error) { return ExcessWrittenOff(ana, 5, "case-1") },
		func() (Entry, error) { return DebtWrittenOff(ana, 5, "case-1") },
		func() (Entry, error) { return SettlementReceived(ana, Settlement{Claimed: 500}, "case-1") },
	} {
		if e, err := book(); err != nil || e.Reference != "case-1" {
			t.Errorf("%s: reference %q, %v", e.Template, e.Reference, err)
		}
	}
	if e, err := SettlementReceived(ana, Settlement{Claimed: 500, Received: 499}, "case-1"); err != nil || e.Reference != "" {
		t.Errorf("a settlement with rounding alone: reference %q, %v; it needs no case", e.Reference, err)
	}
}
