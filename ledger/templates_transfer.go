package ledger

import "fmt"

// A transfer moves between customers, whose partitions may differ: it is one entry in each, with the money in transit
// between them. What is sent is received or refused, once.

// TransferSent takes a transfer off the sender's wallet.
func TransferSent(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateTransferSent, 2)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.System(InTransit), -amount)
	return e.checked(amount)
}

// TransferReceived credits the receiver, debt first.
func TransferReceived(c Customer, amount int64, s Standing) (Entry, error) {
	return arrived(TemplateTransferReceived, c, amount, s)
}

// TransferRefused gives a transfer that the receiver's side refused back to the sender, debt first.
func TransferRefused(c Customer, amount int64, s Standing) (Entry, error) {
	return arrived(TemplateTransferRefused, c, amount, s)
}

// MerchantSale pays a merchant out of the customer's wallet: the merchant is owed the amount less our commission, which
// is 0 to amount. It is booked in the customer's partition.
func MerchantSale(c Customer, merchant string, amount, commission int64) (Entry, error) {
	e := newEntry(TemplateMerchantSale, 3)
	if err := e.commission(amount, commission); err != nil {
		return Entry{}, err
	}
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.merchant(merchant).Account(MerchantPayable), -(amount - commission))
	e.post(c.System(CommissionRevenue), -commission)
	return e.checked(amount)
}

// MerchantSaleRefunded gives a sale, or a part of one, back to the customer, and its part of the commission to the
// merchant. What we owe the merchant in this partition may go below zero: the next sales make up for it.
func MerchantSaleRefunded(c Customer, merchant string, amount, commission int64, s Standing) (Entry, error) {
	e := newEntry(TemplateMerchantSaleRefunded, 4)
	if err := e.commission(amount, commission); err != nil {
		return Entry{}, err
	}
	e.post(c.merchant(merchant).Account(MerchantPayable), amount-commission)
	e.post(c.System(CommissionRevenue), commission)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// MerchantSweepSent takes what a merchant is owed in one partition on its way to the merchant's own. That the row of this
// partition has as much is the caller's to check.
func MerchantSweepSent(merchant Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateMerchantSweepSent, 2)
	e.post(merchant.Account(MerchantPayable), amount)
	e.post(merchant.System(InTransit), -amount)
	return e.checked(amount)
}

// MerchantSweepReceived credits the merchant's wallet, debt first. There it is guarded, and can be paid out.
func MerchantSweepReceived(merchant Customer, amount int64, s Standing) (Entry, error) {
	return arrived(TemplateMerchantSweepReceived, merchant, amount, s)
}

// arrived credits a customer with what was in transit.
func arrived(template string, c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(template, 2)
	e.post(c.System(InTransit), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

func (e *Entry) commission(amount, commission int64) error {
	if commission < 0 || commission > amount {
		return fmt.Errorf("%s: commission %d of %d, want 0 to the amount", e.Template, commission, amount)
	}
	return nil
}

// merchant is another customer, of the same tenant and in the same currency.
func (c Customer) merchant(id string) Customer { return Customer{c.Tenant, id, c.Currency} }
