package handbook

import "github.com/weirhq/weir/ledger"

func currencies() section {
	deposit := captured(ana, 10000, 0)
	convert := func(to ledger.Customer, bought, margin int64) booking {
		return func(b *ledger.Balances) (ledger.Entry, error) {
			return ledger.FXConverted(ana, to, 10000, bought, margin, b.Standing(to))
		}
	}
	settled := booked(ledger.SettlementReceived(house, ledger.Settlement{Claimed: 10000, Received: 10000}, ""))
	return section{"Currencies", `An entry of two currencies sums to zero in each, through our position in it.`, []example{
		{ledger.TemplateFXConverted, "100.00 EUR are worth 109.00 USD; ana gets 108.00 and we keep 1.00.", []booking{deposit}, convert(anaDollars, 10800, 100)},
		{ledger.TemplateFXConverted, "100.00 EUR become 16250 yen, which have no decimals, without a margin.", []booking{deposit}, convert(anaYen, 16250, 0)},
		{ledger.TemplateFXPositionCovered, "Our bank gives 108.90 USD for the 100.00 EUR. The 0.10 USD that are left are a loss on the rate.",
			[]booking{deposit, settled, convert(anaDollars, 10800, 100)}, booked(ledger.FXPositionCovered(house, houseUSD, 10000, 10890))},
		{ledger.TemplateFXResultTaken, "Finance takes the loss of 0.10 USD to income.",
			[]booking{deposit, settled, convert(anaDollars, 10800, 100), booked(ledger.FXPositionCovered(house, houseUSD, 10000, 10890))},
			booked(ledger.FXResultTaken(houseUSD, -10))},
	}}
}

func settlements() section {
	deposit := captured(ana, 10000, 290)
	settle := func(s ledger.Settlement) booking { return booked(ledger.SettlementReceived(house, s, "case-17")) }
	return section{"Settlements", `The PSP's report says what it settles and what it deducts; the bank's statement says what came.`, []example{
		{ledger.TemplateSettlementReceived, "The PSP settles what it owes for a deposit of 100.00 whose fee of 2.90 is booked.",
			[]booking{deposit}, settle(ledger.Settlement{Claimed: 9710, Received: 9710})},
		{ledger.TemplateSettlementReceived, "It deducts a monthly fee of 5.00, of which 4.00 were accrued.",
			[]booking{deposit, of(ledger.PSPFeeAccrued, house, 400)},
			settle(ledger.Settlement{Claimed: 9710, Fees: 500, Accrued: 400, Received: 9210})},
		{ledger.TemplateSettlementReceived, "0.02 are missing, which is rounding.",
			[]booking{deposit}, settle(ledger.Settlement{Claimed: 9710, Received: 9708})},
		{ledger.TemplateSettlementReceived, "17.10 are missing, which somebody has to explain.",
			[]booking{deposit}, settle(ledger.Settlement{Claimed: 9710, Received: 8000})},
		{ledger.TemplateRoundingBooked, "By the PSP's sums it owes us 0.03 less than by ours.",
			[]booking{deposit}, booked(ledger.RoundingBooked(house, ledger.PSPReceivable, 3))},
	}}
}

func cases() section {
	deposit, bet := captured(ana, 10000, 0), debited(ledger.GameRevenue, 9000)
	suspended := ofCase(ledger.ExcessSuspended, house, 2000)
	return section{"Forced debits and cases", `What a person has to decide stands in suspense or as debt under a case, whose id is the entry's reference.`, []example{
		{ledger.TemplateForcedDebit, "A bank calls a deposit of 100.00 back. The wallet holds 10.00: 90.00 become debt.",
			[]booking{deposit, bet}, forced(ledger.PSPReceivable, 10000)},
		{ledger.TemplateForcedDebit, "A case is closed: the 20.00 in suspense were ana's.",
			[]booking{deposit, suspended}, forced(ledger.Suspense, 2000)},
		{ledger.TemplateExcessSuspended, "The PSP took 20.00 that no payment explains.", nil, suspended},
		{ledger.TemplateExcessRecovered, "The PSP gives them back.", []booking{suspended}, ofCase(ledger.ExcessRecovered, house, 2000)},
		{ledger.TemplateExcessWrittenOff, "Nobody will: we bear them.", []booking{suspended}, ofCase(ledger.ExcessWrittenOff, house, 2000)},
		{ledger.TemplateDebtWrittenOff, "Ana will not pay the 90.00 that she owes.",
			[]booking{deposit, bet, forced(ledger.PSPReceivable, 10000)}, ofCase(ledger.DebtWrittenOff, ana, 9000)},
	}}
}

func periods() section {
	closing := func(b *ledger.Balances) (ledger.Entry, error) {
		results := map[ledger.AccountCode]int64{}
		for _, line := range ledger.Chart() {
			if line.Class == ledger.Income || line.Class == ledger.Expense {
				results[line.Code] = b.Balance(house.System(line.Code).ID())
			}
		}
		return ledger.PeriodClosing(house.Tenant, house.Currency, results)
	}
	return section{"Closing a period", `A month is closed once all of it is booked: income and expenses begin the next one at zero.`, []example{
		{ledger.TemplatePeriodClosed, "A month with bets of 90.00, a bonus of 10.00 and PSP fees of 2.90.",
			[]booking{captured(ana, 10000, 290), debited(ledger.GameRevenue, 9000), credited(ledger.BonusExpense, 1000)}, closing},
		{ledger.TemplatePeriodClosed, "A month of loss: bets of 20.00, and bonuses of 50.00.",
			[]booking{credited(ledger.BonusExpense, 5000), debited(ledger.GameRevenue, 2000)}, closing},
	}}
}
