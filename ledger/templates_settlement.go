package ledger

import "fmt"

// MaxRounding is the largest difference, in minor units of any currency, that is booked as rounding. What is larger is a
// difference that somebody has to explain.
const MaxRounding = 100

// Settlement is what a PSP paid to our bank at one time, as its report and the bank's statement tell it, in minor units
// of one currency.
type Settlement struct {
	Claimed  int64 // what it covers of what the PSP owed us; below zero where we owed the PSP
	Fees     int64 // what the PSP deducted and was not booked with captures and payouts; below zero a rebate
	Accrued  int64 // what was accrued for these fees, not below zero
	Received int64 // what the bank received; below zero where the PSP collected
}

// Difference is what is missing at the bank (below zero: too much): Claimed − Fees − Received.
func (s Settlement) Difference() (int64, error) {
	expected, err := SubMinor(s.Claimed, s.Fees)
	if err != nil {
		return 0, fmt.Errorf("settlement: claimed less fees: %w", err)
	}
	difference, err := SubMinor(expected, s.Received)
	if err != nil {
		return 0, fmt.Errorf("settlement: expected less received: %w", err)
	}
	return difference, nil
}

// SettlementReceived moves what the PSP settled from what it owes us to the bank, its fees deducted. A difference of up
// to MaxRounding either way is rounding; a larger one goes to suspense and needs the case that a person will settle it
// in, which becomes the entry's reference.
func SettlementReceived(c Customer, s Settlement, caseID string) (Entry, error) {
	e := newEntry(TemplateSettlementReceived, 5)
	difference, err := s.Difference()
	if err != nil {
		return Entry{}, err
	}
	if s.Claimed == 0 && s.Fees == 0 && s.Accrued == 0 && s.Received == 0 {
		return Entry{}, fmt.Errorf("%s: nothing was claimed, deducted or received", e.Template)
	}
	e.post(c.System(SettlementBank), s.Received)
	if err := e.fee(c, s.Fees, s.Accrued); err != nil {
		return Entry{}, err
	}
	e.post(c.System(PSPReceivable), -s.Claimed)
	if -MaxRounding <= difference && difference <= MaxRounding {
		e.post(c.System(Rounding), difference)
		return e, e.Validate()
	}
	e.post(c.System(Suspense), difference)
	return e.ofCase(caseID)
}

// RoundingBooked takes a difference of up to MaxRounding, either way, off a system account: above zero it is a loss.
func RoundingBooked(c Customer, other AccountCode, difference int64) (Entry, error) {
	e := newEntry(TemplateRoundingBooked, 2)
	if difference == 0 || difference < -MaxRounding || difference > MaxRounding || other == Rounding {
		return Entry{}, fmt.Errorf("%s: %d off %s, want 1 to %d minor units either way off another account",
			e.Template, difference, other, MaxRounding)
	}
	e.post(c.System(Rounding), difference)
	e.post(c.System(other), -difference)
	return e, e.Validate()
}
