package behaviour

import "fmt"

// Window is what happened in the days up to one.
type Window struct {
	Days  int
	Count [kinds]int64
	Sum   [kinds]int64 // minor units
	// MaxIn and MaxOut are the largest single amounts.
	MaxIn, MaxOut int64
	// Near and Round count deposits and payouts just below the threshold, and of round amounts.
	Near, Round int64
	// DepositedFrom, PaidTo, ReceivedFrom and SentTo are numbers of different instruments and counterparties, each counted in
	// the window in which it was used last.
	DepositedFrom, PaidTo, ReceivedFrom, SentTo int
	// Elsewhere is to how many instruments was paid out from which nothing was deposited for a year.
	Elsewhere int
	// AtLeast says that there may have been more different ones.
	AtLeast bool
	// Approximate says that up to 6 days before the window, or 27 where it is longer than 98 days, are counted in.
	Approximate bool
	// Quiet is for how many days at least nothing had happened before the window; -1 where nothing is known of before.
	Quiet int
}

// MaxDays is the longest window.
const MaxDays = reach

// In is what came in from outside and from other customers, Out what left; games are neither.
func (w *Window) In() int64 { return addSaturated(w.Sum[Deposit], w.Sum[TransferIn]) }

// Out is the sum of payouts and transfers to others.
func (w *Window) Out() int64 { return addSaturated(w.Sum[Payout], w.Sum[TransferOut]) }

// First and Last are the times of the customer's first and latest event ever, in milliseconds since 1970; 0 where none is
// known.
func (p *Profile) First() int64 { return p.first }

// Last is the time of the latest event.
func (p *Profile) Last() int64 { return p.last }

// Window answers for the days up to one, such as Config.Day of now: days is 1 to MaxDays. The day may lie before the latest
// that is known; what happened after it does not count, but in distinct values.
func (p *Profile) Window(day int64, days int) (Window, error) {
	if days < 1 || days > MaxDays {
		return Window{}, fmt.Errorf("a window of %d days: want 1 to %d", days, MaxDays)
	}
	w := Window{Days: days, Quiet: -1}
	from := day - int64(days) + 1
	all := cell{}
	for i := range p.cells {
		switch c := &p.cells[i]; {
		case c.start > day:
		case c.end() < from:
			w.Quiet = int(from - c.end() - 1)
		default:
			all.add(c)
			w.Approximate = w.Approximate || c.start < from
		}
	}
	w.Count, w.Sum, w.MaxOut, w.MaxIn, w.Near, w.Round = all.count, all.sum, all.most[0], all.most[1], all.near, all.round
	p.distinct(&w, from)
	return w, nil
}

func (p *Profile) distinct(w *Window, from int64) {
	var count [classes]int
	deposited := map[uint64]bool{}
	for i := range p.seen {
		s := &p.seen[i]
		if s.class == instrumentIn {
			deposited[s.number()] = true
		}
		if s.day < from {
			continue
		}
		count[s.class]++
		if s.class == instrumentOut && !deposited[s.number()] { // those of deposits come first
			w.Elsewhere++
		}
		w.AtLeast = w.AtLeast || count[s.class] == maxSeen
	}
	w.DepositedFrom, w.PaidTo, w.ReceivedFrom, w.SentTo = count[instrumentIn], count[instrumentOut], count[counterpartyIn], count[counterpartyOut]
}
