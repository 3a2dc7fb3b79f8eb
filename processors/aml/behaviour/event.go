package behaviour

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what an event moved.
type Kind uint8

// The kinds. Their numbers are stored.
const (
	Deposit     Kind = iota // from an instrument
	Payout                  // to an instrument
	TransferIn              // from another customer
	TransferOut             // to another customer
	Stake                   // into a game or a trade
	Win                     // out of one
	Refund                  // of a deposit, to its instrument
	Dispute                 // of a deposit, lost to its instrument

	kinds
)

var kindNames = [kinds]string{"deposit", "payout", "transfer_in", "transfer_out", "stake", "win", "refund", "dispute"}

func (k Kind) String() string {
	if k >= kinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// in tells whether money comes in to the customer.
func (k Kind) in() bool { return k == Deposit || k == TransferIn || k == Win }

// party is whether the other side is an instrument or a counterparty, or neither.
func (k Kind) party() (class uint8, ok bool) {
	switch k {
	case Deposit:
		return instrumentIn, true
	case Payout:
		return instrumentOut, true
	case TransferIn:
		return counterpartyIn, true
	case TransferOut:
		return counterpartyOut, true
	}
	return 0, false
}

// Event is one movement of a customer's money.
type Event struct {
	Kind Kind
	// Amount is in minor units of the reporting currency.
	Amount int64
	// Time and Recorded, the time of the record that brought it, are in milliseconds since 1970.
	Time, Recorded int64
	// Other is the instrument of a deposit or payout, with its kind, or the counterparty of a transfer; empty where unknown.
	Other string
}

// MaxAmount is the largest amount that is taken, in minor units.
const MaxAmount = 1 << 53

func (e *Event) check() error {
	switch {
	case e.Kind >= kinds:
		return fmt.Errorf("there is no %s", e.Kind)
	case e.Amount < 0 || e.Amount > MaxAmount:
		return fmt.Errorf("%s: amount is %d, want 0 to %d minor units", e.Kind, e.Amount, int64(MaxAmount))
	case e.Time <= 0 || e.Recorded <= 0:
		return fmt.Errorf("%s: has no time: time and recorded are milliseconds since 1970, above 0", e.Kind)
	}
	return nil
}

// Config is what all profiles have in common. It must not change while profiles are kept.
type Config struct {
	// DayStart is when a business day begins, after midnight UTC; negative before.
	DayStart time.Duration
	// Lateness is how far an event's time may lie before its record's; an earlier one is taken as recorded − Lateness.
	Lateness time.Duration
	// Threshold is what must be reported; an amount of at least NearPercent of it and below it counts as near.
	Threshold   int64
	NearPercent int
	// Round: a multiple of it counts as a round amount.
	Round int64
}

// DefaultConfig is for a reporting threshold of 10,000 in a currency with two decimals.
func DefaultConfig() Config {
	return Config{Lateness: 7 * 24 * time.Hour, Threshold: 10_000_00, NearPercent: 80, Round: 500_00}
}

// Check says what is wrong with the configuration.
func (c *Config) Check() error {
	switch {
	case c.DayStart <= -24*time.Hour || c.DayStart >= 24*time.Hour:
		return fmt.Errorf("day_start is %s, want less than a day", c.DayStart)
	case c.Lateness < 0:
		return fmt.Errorf("lateness is %s, want 0 or more", c.Lateness)
	case c.Threshold < 0 || c.Threshold > MaxAmount:
		return fmt.Errorf("threshold is %d, want 0 to %d minor units", c.Threshold, int64(MaxAmount))
	case c.NearPercent < 1 || c.NearPercent > 100:
		return fmt.Errorf("near_percent is %d, want 1 to 100", c.NearPercent)
	case c.Round < 1:
		return errors.New("round is below 1")
	}
	return nil
}

const dayMillis = 24 * 60 * 60 * 1000

// Day is the business day of a time, in days since 1970.
func (c *Config) Day(time int64) int64 {
	at := time - c.DayStart.Milliseconds()
	if at < 0 {
		at -= dayMillis - 1
	}
	return at / dayMillis
}

// near: amounts reach 2⁵³, so that a product with a percentage still fits.
func (c *Config) near(amount int64) bool {
	return amount < c.Threshold && amount*100 >= c.Threshold*int64(c.NearPercent)
}

func (c *Config) round(amount int64) bool { return amount > 0 && amount%c.Round == 0 }
