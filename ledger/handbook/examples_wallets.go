package handbook

import "github.com/weirhq/weir/ledger"

func games() section {
	deposit, bet := captured(ana, 10000, 0), debited(ledger.GameRevenue, 2000)
	net := func(net int64) booking {
		return func(b *ledger.Balances) (ledger.Entry, error) {
			return ledger.RoundRolledBack(ana, net, b.Standing(ana))
		}
	}
	return section{"Game rounds", `The bets and wins of a round carry its id as their reference.`, []example{
		{ledger.TemplateGameDebit, "A bet of 20.00.", []booking{deposit}, bet},
		{ledger.TemplateGameCredit, "It wins 50.00.", []booking{deposit, bet}, credited(ledger.GameRevenue, 5000)},
		{ledger.TemplateRoundRolledBack, "The round with the bet of 20.00 and no win is cancelled: 20.00 are given back.",
			[]booking{deposit, bet}, net(2000)},
		{ledger.TemplateRoundRolledBack, "The round that won 30.00 net is cancelled after ana spent all but 5.00: 25.00 become debt.",
			[]booking{deposit, bet, credited(ledger.GameRevenue, 5000), debited(ledger.SalesRevenue, 12500)}, net(-3000)},
	}}
}

func wallets() section {
	deposit, hold := captured(ana, 10000, 0), of(ledger.HoldPlaced, ana, 4000)
	return section{"Bonuses, purchases, adjustments and holds", `A wallet command names its reason, and the reason the account on the other side.`, []example{
		{ledger.TemplateBonusGranted, "A bonus of 10.00.", nil, credited(ledger.BonusExpense, 1000)},
		{ledger.TemplateBonusTakenBack, "It was not earned.", []booking{credited(ledger.BonusExpense, 1000)},
			debited(ledger.BonusExpense, 1000)},
		{ledger.TemplatePurchase, "Ana buys something for 25.00.", []booking{deposit}, debited(ledger.SalesRevenue, 2500)},
		{ledger.TemplatePurchaseRefunded, "She returns it.", []booking{deposit, debited(ledger.SalesRevenue, 2500)},
			credited(ledger.SalesRevenue, 2500)},
		{ledger.TemplateAdjustmentCredit, "5.00 as a goodwill, requested by one person and approved by another.", nil,
			credited(ledger.Adjustments, 500)},
		{ledger.TemplateAdjustmentDebit, "5.00 that were credited by mistake.", []booking{credited(ledger.Adjustments, 500)},
			debited(ledger.Adjustments, 500)},
		{ledger.TemplateHoldPlaced, "40.00 are held.", []booking{deposit}, hold},
		{ledger.TemplateHoldCaptured, "15.00 of them are taken for a purchase.", []booking{deposit, hold},
			booked(ledger.HoldCaptured(ana, ledger.SalesRevenue, 1500))},
		{ledger.TemplateHoldReleased, "The other 25.00 are released.",
			[]booking{deposit, hold, booked(ledger.HoldCaptured(ana, ledger.SalesRevenue, 1500))},
			crediting(ledger.HoldReleased, ana, 2500)},
		{ledger.TemplateHoldReleased, "40.00 are released after a chargeback of 80.00 left 20.00 of debt.",
			[]booking{deposit, hold, takenBack(ledger.ChargebackWithdrawn, 8000, 10000)},
			crediting(ledger.HoldReleased, ana, 4000)},
	}}
}

func transfers() section {
	deposit, sent := captured(ana, 10000, 0), of(ledger.TransferSent, ana, 3500)
	return section{"Transfers between customers", `Two entries, one in each customer's partition, with the money in transit between them.`, []example{
		{ledger.TemplateTransferSent, "Ana sends bob 35.00.", []booking{deposit}, sent},
		{ledger.TemplateTransferReceived, "Bob has them.", []booking{deposit, sent}, crediting(ledger.TransferReceived, bob, 3500)},
		{ledger.TemplateTransferRefused, "Bob's account is closed: ana has them back.", []booking{deposit, sent},
			crediting(ledger.TransferRefused, ana, 3500)},
	}}
}

func merchants() section {
	deposit := captured(ana, 10000, 0)
	sale, sweep := booked(ledger.MerchantSale(ana, shop.ID, 5000, 500)), of(ledger.MerchantSweepSent, shop, 4500)
	return section{"Merchants", `What customers pay a merchant is owed to the merchant in the customers' partitions. Before it is paid out it is swept,
through in-transit, to the merchant's own wallet, which is guarded. Then the merchant is paid out like any customer.`, []example{
		{ledger.TemplateMerchantSale, "Ana buys at the shop for 50.00; we keep 5.00.", []booking{deposit}, sale},
		{ledger.TemplateMerchantSaleRefunded, "The shop gives it back.", []booking{deposit, sale},
			func(b *ledger.Balances) (ledger.Entry, error) {
				return ledger.MerchantSaleRefunded(ana, shop.ID, 5000, 500, b.Standing(ana))
			}},
		{ledger.TemplateMerchantSweepSent, "The 45.00 are swept: in ana's partition.", []booking{deposit, sale}, sweep},
		{ledger.TemplateMerchantSweepReceived, "The sweep arrives: in the shop's partition.", []booking{deposit, sale, sweep},
			crediting(ledger.MerchantSweepReceived, shop, 4500)},
	}}
}
