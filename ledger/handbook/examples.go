package handbook

import "github.com/weirhq/weir/ledger"

// Whose money the examples move. house is the tenant's system customer, for what is about nobody.
var (
	ana        = ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}
	anaDollars = ledger.Customer{Tenant: "acme", ID: "ana", Currency: "USD"}
	anaYen     = ledger.Customer{Tenant: "acme", ID: "ana", Currency: "JPY"}
	bob        = ledger.Customer{Tenant: "acme", ID: "bob", Currency: "EUR"}
	shop       = ledger.Customer{Tenant: "acme", ID: "shop", Currency: "EUR"}
	house      = ledger.Customer{Tenant: "acme", ID: "house", Currency: "EUR"}
	houseUSD   = ledger.Customer{Tenant: "acme", ID: "house", Currency: "USD"}
)

// The bookings below are built from the templates' own functions; an amount of 10000 is 100.00 EUR.

func captured(c ledger.Customer, amount, fee int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) {
		return ledger.DepositCaptured(c, amount, fee, b.Standing(c))
	}
}

// of books a template that takes an amount and does not look at what the customer has.
func of(template func(ledger.Customer, int64) (ledger.Entry, error), c ledger.Customer, amount int64) booking {
	return func(*ledger.Balances) (ledger.Entry, error) { return template(c, amount) }
}

// crediting books a template that credits a customer.
func crediting(template func(ledger.Customer, int64, ledger.Standing) (ledger.Entry, error), c ledger.Customer, amount int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) { return template(c, amount, b.Standing(c)) }
}

// clearing is crediting where excess of the payment in hand stands in suspense.
func clearing(template func(ledger.Customer, int64, ledger.Standing) (ledger.Entry, error), c ledger.Customer, amount, excess int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) {
		s := b.Standing(c)
		s.Excess = excess
		return template(c, amount, s)
	}
}

// takenBack books a template of the PSP taking money of a payment back.
func takenBack(template func(ledger.Customer, int64, int64, ledger.Standing) (ledger.Entry, error), amount, refundable int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) {
		return template(ana, amount, refundable, b.Standing(ana))
	}
}

func credited(reason ledger.AccountCode, amount int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) {
		return ledger.WalletCredited(ana, reason, amount, b.Standing(ana))
	}
}

func debited(other ledger.AccountCode, amount int64) booking {
	return func(*ledger.Balances) (ledger.Entry, error) { return ledger.WalletDebited(ana, other, amount) }
}

func forced(other ledger.AccountCode, amount int64) booking {
	return func(b *ledger.Balances) (ledger.Entry, error) {
		return ledger.ForcedDebit(ana, other, amount, b.Standing(ana))
	}
}

func ofCase(template func(ledger.Customer, int64, string) (ledger.Entry, error), c ledger.Customer, amount int64) booking {
	return func(*ledger.Balances) (ledger.Entry, error) { return template(c, amount, "case-17") }
}

// booked books an entry that needs no balances to be made.
func booked(e ledger.Entry, err error) booking {
	return func(*ledger.Balances) (ledger.Entry, error) { return e, err }
}

func sections() []section {
	return []section{deposits(), refunds(), chargebacks(), payouts(), games(), wallets(), transfers(), merchants(), currencies(),
		settlements(), cases(), periods()}
}
