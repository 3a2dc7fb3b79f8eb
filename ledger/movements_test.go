package ledger

import "pgregory.net/rapid"

// movements draws the arguments of each template, calls it, and says in the model what it must do. The model is told of
// what a template means, not of how it posts it.
func movements() map[string]func(*world) (Entry, error) {
	type movement = func(*world) (Entry, error)
	all := map[string]movement{}
	for _, group := range []map[string]movement{depositMovements(), takenBackMovements(), payoutMovements(), walletMovements(),
		transferMovements(), houseMovements(), caseMovements()} {
		for name, move := range group {
			all[name] = move
		}
	}
	return all
}

// standing is what the book says of the customer, with excess drawn for templates that clear it.
func (w *world) standing(c Customer) Standing {
	s := w.book.Standing(c)
	s.Excess = w.upTo(300, "excess")
	s.WrittenOff = w.upTo(s.Excess, "written off")
	return s
}

// gives is a template that moves an amount from a system account to the customer.
func gives(from AccountCode, template func(Customer, int64, Standing) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c, amount := w.customer(), w.amount()
		s := w.standing(c)
		w.model.post(c.System(from), n(amount))
		w.model.give(c, amount, s)
		return template(c, amount, s)
	}
}

// spends is a template of a command that moves an amount from the wallet to a system account.
func spends(to AccountCode, template func(Customer, int64) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c := w.customer()
		amount := w.amountOf(w.book.Standing(c).Available)
		w.model.spend(c, amount)
		w.model.post(c.System(to), n(-amount))
		return template(c, amount)
	}
}

// moves is a template that moves an amount between two system accounts.
func moves(debit, credit AccountCode, template func(Customer, int64) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c, amount := w.customer(), w.amount()
		w.model.post(c.System(debit), n(amount))
		w.model.post(c.System(credit), n(-amount))
		return template(c, amount)
	}
}

func depositMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplateDepositCaptured: func(w *world) (Entry, error) {
			c, amount, fee := w.customer(), w.amount(), w.signed("fee")
			s := w.standing(c)
			w.model.post(c.System(PSPReceivable), sum(n(amount), minus(n(fee))))
			w.model.post(c.System(PSPFees), n(fee))
			w.model.give(c, amount, s)
			return DepositCaptured(c, amount, fee, s)
		},
		TemplateDepositApplied: func(w *world) (Entry, error) {
			c, amount := w.customer(), w.amount()
			s := w.standing(c)
			w.model.post(c.System(Suspense), n(amount))
			w.model.give(c, amount, s)
			return DepositApplied(c, amount, s)
		},
		TemplateStrayReceived: func(w *world) (Entry, error) {
			c, amount, fee := w.customer(), w.amount(), w.signed("fee")
			w.model.post(c.System(PSPReceivable), sum(n(amount), minus(n(fee))))
			w.model.post(c.System(PSPFees), n(fee))
			w.model.post(c.System(Suspense), n(-amount))
			return StrayReceived(c, amount, fee)
		},
		TemplateStrayReturned: moves(Suspense, PSPReceivable, StrayReturned),
		TemplatePSPFeeAccrued: moves(PSPFees, AccruedPSPFees, PSPFeeAccrued),
		TemplatePSPFeeCharged: func(w *world) (Entry, error) {
			c, fee, accrued := w.customer(), w.signed("fee"), w.amount()
			w.model.post(c.System(AccruedPSPFees), n(accrued))
			w.model.post(c.System(PSPFees), sum(n(fee), n(-accrued)))
			w.model.post(c.System(PSPReceivable), minus(n(fee)))
			return PSPFeeCharged(c, fee, accrued)
		},
	}
}

// takes is a template by which the PSP takes money of a payment back.
func takes(template func(Customer, int64, int64, Standing) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c, amount, refundable := w.customer(), w.amount(), w.signed("refundable")
		charged := min(amount, max(refundable, 0))
		w.model.take(c, charged)
		w.model.post(c.System(Suspense), n(amount-charged))
		w.model.post(c.System(PSPReceivable), n(-amount))
		return template(c, amount, refundable, w.standing(c))
	}
}

func takenBackMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplateRefundRequested:       spends(RefundsInFlight, RefundRequested),
		TemplateRefundSettled:         moves(RefundsInFlight, PSPReceivable, RefundSettled),
		TemplateRefundFailed:          gives(RefundsInFlight, RefundFailed),
		TemplateRefundReversed:        gives(PSPReceivable, RefundReversed),
		TemplateRefundForced:          takes(RefundForced),
		TemplateChargebackWithdrawn:   takes(ChargebackWithdrawn),
		TemplateChargebackReinstated:  gives(PSPReceivable, ChargebackReinstated),
		TemplateChargebackFeeCharged:  moves(ChargebackFees, PSPReceivable, ChargebackFeeCharged),
		TemplateChargebackFeeReturned: moves(PSPReceivable, ChargebackFees, ChargebackFeeReturned),
	}
}

// holds is a template that sets an amount of the wallet aside.
func holds(template func(Customer, int64) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c := w.customer()
		amount := w.amountOf(w.book.Standing(c).Available)
		w.model.spend(c, amount)
		w.model.hold(c, amount)
		return template(c, amount)
	}
}

// frees is a template that gives what was set aside back.
func frees(template func(Customer, int64, Standing) (Entry, error)) func(*world) (Entry, error) {
	return func(w *world) (Entry, error) {
		c := w.customer()
		amount, s := w.amountOf(w.held(c)), w.standing(c)
		w.model.unhold(c, amount)
		w.model.give(c, amount, s)
		return template(c, amount, s)
	}
}

func payoutMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplatePayoutHeld:      holds(PayoutHeld),
		TemplatePayoutCancelled: frees(PayoutCancelled),
		TemplatePayoutSent: func(w *world) (Entry, error) {
			c := w.customer()
			amount := w.amountOf(w.held(c))
			w.model.unhold(c, amount)
			w.model.post(c.System(PayoutsInFlight), n(-amount))
			return PayoutSent(c, amount)
		},
		TemplatePayoutPaid: func(w *world) (Entry, error) {
			c, amount, fee := w.customer(), w.amount(), w.signed("fee")
			w.model.post(c.System(PayoutsInFlight), n(amount))
			w.model.post(c.System(PSPFees), n(fee))
			w.model.post(c.System(PSPReceivable), minus(sum(n(amount), n(fee))))
			return PayoutPaid(c, amount, fee)
		},
		TemplatePayoutFailed:   gives(PayoutsInFlight, PayoutFailed),
		TemplatePayoutReturned: gives(PSPReceivable, PayoutReturned),
		TemplatePayoutForced: func(w *world) (Entry, error) {
			c, amount, fee := w.customer(), w.amount(), w.signed("fee")
			w.model.take(c, amount)
			w.model.post(c.System(PSPFees), n(fee))
			w.model.post(c.System(PSPReceivable), minus(sum(n(amount), n(fee))))
			return PayoutForced(c, amount, fee, w.standing(c))
		},
	}
}

func credits(reason AccountCode) func(*world) (Entry, error) {
	return gives(reason, func(c Customer, amount int64, s Standing) (Entry, error) { return WalletCredited(c, reason, amount, s) })
}

func debits(other AccountCode) func(*world) (Entry, error) {
	return spends(other, func(c Customer, amount int64) (Entry, error) { return WalletDebited(c, other, amount) })
}

func (w *world) reason() AccountCode {
	return rapid.SampledFrom([]AccountCode{GameRevenue, BonusExpense, SalesRevenue, Adjustments}).Draw(w.T, "reason")
}

func walletMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplateGameDebit:        debits(GameRevenue),
		TemplateGameCredit:       credits(GameRevenue),
		TemplateBonusGranted:     credits(BonusExpense),
		TemplateBonusTakenBack:   debits(BonusExpense),
		TemplatePurchase:         debits(SalesRevenue),
		TemplatePurchaseRefunded: credits(SalesRevenue),
		TemplateAdjustmentCredit: credits(Adjustments),
		TemplateAdjustmentDebit:  debits(Adjustments),
		TemplateHoldPlaced:       holds(HoldPlaced),
		TemplateHoldReleased:     frees(HoldReleased),
		TemplateHoldCaptured: func(w *world) (Entry, error) {
			c, other := w.customer(), w.reason()
			amount := w.amountOf(w.held(c))
			w.model.unhold(c, amount)
			w.model.post(c.System(other), n(-amount))
			return HoldCaptured(c, other, amount)
		},
		TemplateRoundRolledBack: func(w *world) (Entry, error) {
			c, net := w.customer(), w.amount()
			s := w.standing(c)
			if rapid.Bool().Draw(w.T, "won") {
				w.model.take(c, net)
				w.model.post(c.System(GameRevenue), n(-net))
				return RoundRolledBack(c, -net, s)
			}
			w.model.post(c.System(GameRevenue), n(net))
			w.model.give(c, net, s)
			return RoundRolledBack(c, net, s)
		},
	}
}

func transferMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplateTransferSent:     spends(InTransit, TransferSent),
		TemplateTransferReceived: gives(InTransit, TransferReceived),
		TemplateTransferRefused:  gives(InTransit, TransferRefused),
		TemplateMerchantSale: func(w *world) (Entry, error) {
			c := w.customer()
			amount := w.amountOf(w.book.Standing(c).Available)
			commission := w.upTo(amount, "commission")
			w.model.spend(c, amount)
			w.model.post(Account{"acme", MerchantPayable, merchant, c.Currency}, n(commission-amount))
			w.model.post(c.System(CommissionRevenue), n(-commission))
			return MerchantSale(c, merchant, amount, commission)
		},
		TemplateMerchantSaleRefunded: func(w *world) (Entry, error) {
			c, amount := w.customer(), w.amount()
			commission, s := w.upTo(amount, "commission"), w.standing(c)
			w.model.post(Account{"acme", MerchantPayable, merchant, c.Currency}, n(amount-commission))
			w.model.post(c.System(CommissionRevenue), n(commission))
			w.model.give(c, amount, s)
			return MerchantSaleRefunded(c, merchant, amount, commission, s)
		},
		TemplateMerchantSweepSent: func(w *world) (Entry, error) {
			c, amount := Customer{"acme", merchant, w.currency()}, w.amount()
			w.model.post(c.Account(MerchantPayable), n(amount))
			w.model.post(c.System(InTransit), n(-amount))
			return MerchantSweepSent(c, amount)
		},
		TemplateMerchantSweepReceived: gives(InTransit, MerchantSweepReceived),
	}
}

func houseMovements() map[string]func(*world) (Entry, error) {
	return map[string]func(*world) (Entry, error){
		TemplateFXConverted: func(w *world) (Entry, error) {
			from := w.customer()
			to := from.inOther()
			sold, bought, margin, s := w.amountOf(w.book.Standing(from).Available), w.amount(), w.amount()-1, w.standing(to)
			w.model.spend(from, sold)
			w.model.post(from.System(FXPosition), n(-sold))
			w.model.post(to.System(FXPosition), sum(n(bought), n(margin)))
			w.model.post(to.System(FXRevenue), n(-margin))
			w.model.give(to, bought, s)
			return FXConverted(from, to, sold, bought, margin, s)
		},
		TemplateFXPositionCovered: func(w *world) (Entry, error) {
			from := w.customer()
			to := from.inOther()
			sold, bought := w.amount(), w.amount()
			w.model.post(from.System(SettlementBank), n(-sold))
			w.model.post(from.System(FXPosition), n(sold))
			w.model.post(to.System(SettlementBank), n(bought))
			w.model.post(to.System(FXPosition), n(-bought))
			return FXPositionCovered(from, to, sold, bought)
		},
		TemplateFXResultTaken: func(w *world) (Entry, error) {
			c, result := w.customer(), w.signed("result")
			if result == 0 {
				return Entry{}, nil // there is none
			}
			w.model.post(c.System(FXPosition), n(result))
			w.model.post(c.System(FXRevenue), n(-result))
			return FXResultTaken(c, result)
		},
		TemplateSettlementReceived: settles,
		TemplateRoundingBooked: func(w *world) (Entry, error) {
			c := w.customer()
			difference := rapid.Int64Range(-MaxRounding, MaxRounding).Filter(func(x int64) bool { return x != 0 }).Draw(w.T, "difference")
			w.model.post(c.System(Rounding), n(difference))
			w.model.post(c.System(PSPReceivable), n(-difference))
			return RoundingBooked(c, PSPReceivable, difference)
		},
		TemplatePeriodClosed: closes,
	}
}

func (c Customer) inOther() Customer {
	if c.Currency == "EUR" {
		return Customer{c.Tenant, c.ID, "USD"}
	}
	return Customer{c.Tenant, c.ID, "EUR"}
}

func settles(w *world) (Entry, error) {
	c := w.customer()
	s := Settlement{Claimed: w.signed("claimed"), Fees: w.signed("fees"), Accrued: w.amount()}
	s.Received = w.signed("received")
	if rapid.Bool().Draw(w.T, "nearly right") {
		s.Received = s.Claimed - s.Fees + rapid.Int64Range(-2, 2).Draw(w.T, "off by")*MaxRounding
	}
	expected := sum(n(s.Claimed), minus(n(s.Fees)))
	missing := sum(expected, minus(n(s.Received)))
	w.model.post(c.System(SettlementBank), n(s.Received))
	w.model.post(c.System(AccruedPSPFees), n(s.Accrued))
	w.model.post(c.System(PSPFees), sum(n(s.Fees), n(-s.Accrued)))
	w.model.post(c.System(PSPReceivable), minus(n(s.Claimed)))
	if missing.CmpAbs(n(MaxRounding)) <= 0 {
		w.model.post(c.System(Rounding), missing)
	} else {
		w.model.post(c.System(Suspense), missing)
	}
	w.model.unsure = beyond(expected)
	return SettlementReceived(c, s, "case-1")
}

func closes(w *world) (Entry, error) {
	currency := w.currency()
	results, carried := map[AccountCode]int64{}, n(0)
	for _, line := range Chart() {
		a := Account{"acme", line.Code, "", currency}
		if line.Class == Income || line.Class == Expense {
			results[line.Code] = w.book.Balance(a.ID())
			carried = sum(carried, number(w.model.other, a))
			w.model.post(a, minus(number(w.model.other, a)))
		}
	}
	w.model.post(Account{"acme", RetainedEarnings, "", currency}, carried)
	w.model.unsure = true // the accounts are added up one by one
	return PeriodClosing("acme", currency, results)
}

func caseMovements() map[string]func(*world) (Entry, error) {
	inCase := func(template func(Customer, int64, string) (Entry, error)) func(Customer, int64) (Entry, error) {
		return func(c Customer, amount int64) (Entry, error) { return template(c, amount, "case-1") }
	}
	return map[string]func(*world) (Entry, error){
		TemplateForcedDebit: func(w *world) (Entry, error) {
			c, amount := w.customer(), w.amount()
			other := rapid.SampledFrom([]AccountCode{PSPReceivable, Suspense, w.reason()}).Draw(w.T, "other")
			w.model.take(c, amount)
			w.model.post(c.System(other), n(-amount))
			return ForcedDebit(c, other, amount, w.standing(c))
		},
		TemplateExcessSuspended:  moves(Suspense, PSPReceivable, inCase(ExcessSuspended)),
		TemplateExcessRecovered:  moves(PSPReceivable, Suspense, inCase(ExcessRecovered)),
		TemplateExcessWrittenOff: moves(Losses, Suspense, inCase(ExcessWrittenOff)),
		TemplateDebtWrittenOff: func(w *world) (Entry, error) {
			c := w.customer()
			debt := w.book.Standing(c).Debt
			if debt == 0 {
				return Entry{}, nil // there is nothing to write off
			}
			amount := rapid.Int64Range(1, debt).Draw(w.T, "amount")
			w.model.post(c.System(Losses), n(amount))
			plus(w.model.net, c, n(amount))
			return DebtWrittenOff(c, amount, "case-1")
		},
	}
}
