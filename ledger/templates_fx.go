package ledger

import "fmt"

// FXConverted converts money of one customer by command: sold minor units of from's currency for bought of to's, debt in
// that currency first. Each currency sums to zero through our position in it. margin (to's currency, not below zero) is
// what we keep: the position is debited with bought and margin, which is what sold is worth at the rate without margin.
// The rate and its rounding to whole minor units are the caller's.
func FXConverted(from, to Customer, sold, bought, margin int64, s Standing) (Entry, error) {
	e := newEntry(TemplateFXConverted, 5)
	if from.Tenant != to.Tenant || from.ID != to.ID || from.Currency == to.Currency {
		return Entry{}, fmt.Errorf("%s: from %s %s %s to %s %s %s, want two currencies of one customer",
			e.Template, from.Tenant, from.ID, from.Currency, to.Tenant, to.ID, to.Currency)
	}
	worth, err := AddMinor(bought, margin)
	if err != nil {
		return Entry{}, fmt.Errorf("%s: bought and margin: %w", e.Template, err)
	}
	if margin < 0 {
		return Entry{}, fmt.Errorf("%s: margin %d, want zero or more", e.Template, margin)
	}
	e.post(from.Account(CustomerWallet), sold)
	e.post(from.System(FXPosition), -sold)
	e.post(to.System(FXPosition), worth)
	e.post(to.System(FXRevenue), -margin)
	e.credit(to, bought, s)
	return e.checked(min(sold, bought))
}

// FXPositionCovered books that we exchanged currency at our bank, which brings the positions back towards zero: sold minor
// units of from's currency left the bank for bought of to's.
func FXPositionCovered(from, to Customer, sold, bought int64) (Entry, error) {
	e := newEntry(TemplateFXPositionCovered, 4)
	if from.Currency == to.Currency {
		return Entry{}, fmt.Errorf("%s: from %s to %s, want two currencies", e.Template, from.Currency, to.Currency)
	}
	e.post(from.System(FXPosition), sold)
	e.post(from.System(SettlementBank), -sold)
	e.post(to.System(SettlementBank), bought)
	e.post(to.System(FXPosition), -bought)
	return e.checked(min(sold, bought))
}

// FXResultTaken takes what is left in our position of a currency to income, once the rest is covered: a gain where we have
// more of it than we owe (above zero), a loss where we are short (below zero). What is still to be covered is no result: that
// only a rate can tell, and it stays in the position, whatever period is closed.
func FXResultTaken(c Customer, result int64) (Entry, error) {
	e := newEntry(TemplateFXResultTaken, 2)
	if result == 0 {
		return Entry{}, fmt.Errorf("%s: result 0, want a gain (above zero) or a loss (below)", e.Template)
	}
	e.post(c.System(FXPosition), result)
	e.post(c.System(FXRevenue), -result)
	return e, e.Validate()
}
