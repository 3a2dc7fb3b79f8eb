package crashtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/topics"
)

const (
	holdFor    = 4 * time.Second     // of holds that run out by themselves
	beyondAll  = topics.MaxAmount    // more than any customer ever has
	regulars   = 60                  // customers whose wallets are moved by payments and by commands
	adjustedBy = "ana"               // who asks for adjustments
	approvedBy = "crash"             // who approves them: over HTTP the name of the API key
	backDating = 40 * 24 * time.Hour // of movements that took place in an earlier month
)

// visit is what a customer does with the wallet in one go: commands in their order, and what must come of each. All that
// it takes, it has given before, so that visits and payments of one customer may mix in any way.
type visit struct {
	number   int
	overHTTP bool
	twice    bool // every command is sent twice
	customer string
	moves    []*move
	gain     int64 // what the customer has more afterwards, minor units
}

// move is one command and what must come of it.
type move struct {
	command topics.WalletCommand
	becomes topics.WalletEventType
	refusal topics.RefusalCode
	on      *move // placed the hold that this is about
	expires bool  // the hold that it places runs out by itself, unless it comes too late to be placed at all
}

// visits are the kinds of visit. Each begins with a bonus of b, at least 1000.
var visits = []func(r *rand.Rand, v *visit, b int64){
	func(r *rand.Rand, v *visit, b int64) { // plays
		bet, win := 1+r.Int64N(b), 1+r.Int64N(b)
		v.then(topics.WalletDebited, v.game(topics.WalletDebit, bet))
		v.then(topics.WalletCredited, v.game(topics.WalletCredit, win))
		v.gain = b - bet + win
	},
	func(r *rand.Rand, v *visit, b int64) { // plays, and the round is undone
		v.then(topics.WalletDebited, v.game(topics.WalletDebit, 1+r.Int64N(b/2)))
		v.then(topics.WalletDebited, v.game(topics.WalletDebit, 1+r.Int64N(b/2)))
		v.then(topics.WalletCredited, v.game(topics.WalletCredit, 1+r.Int64N(b)))
		v.then(topics.WalletRoundRolled, topics.WalletCommand{Type: topics.WalletRollbackRound, RoundID: v.round()})
		v.refused(topics.RefusedFinished, v.game(topics.WalletDebit, 1))
		v.gain = b
	},
	func(r *rand.Rand, v *visit, b int64) { // orders: held, taken in two parts, the rest released
		held := 3 + r.Int64N(b-3)
		first := 1 + r.Int64N(held-2)
		hold := v.then(topics.WalletHeld, v.money(topics.WalletHold, "", held))
		v.then(topics.WalletHoldCaptured, v.money(topics.WalletCaptureHold, topics.ReasonPurchase, first)).on = hold
		v.refused(topics.RefusedExceedsAuthorized, v.money(topics.WalletCaptureHold, topics.ReasonPurchase, held)).on = hold
		v.then(topics.WalletHoldCaptured, v.money(topics.WalletCaptureHold, topics.ReasonPurchase, 1)).on = hold
		v.then(topics.WalletHoldReleased, topics.WalletCommand{Type: topics.WalletReleaseHold}).on = hold
		v.refused(topics.RefusedFinished, topics.WalletCommand{Type: topics.WalletReleaseHold}).on = hold
		v.gain = b - first - 1
	},
	func(r *rand.Rand, v *visit, b int64) { // orders, and the hold runs out
		v.then(topics.WalletHeld, v.money(topics.WalletHold, "", 1+r.Int64N(b))).expires = true
		v.gain = b
	},
	func(_ *rand.Rand, v *visit, b int64) { // wants what nobody has
		v.refused(topics.RefusedInsufficientFunds, v.money(topics.WalletDebit, topics.ReasonPurchase, beyondAll))
		v.refused(topics.RefusedInsufficientFunds, v.money(topics.WalletHold, "", beyondAll))
		v.then(topics.WalletDebited, v.money(topics.WalletDebit, topics.ReasonPurchase, b))
	},
	func(r *rand.Rand, v *visit, b int64) { // is corrected, for something of an earlier month
		fix := v.money(topics.WalletCredit, topics.ReasonAdjustment, 1+r.Int64N(b))
		fix.RequestedBy, fix.ApprovedBy = adjustedBy, approvedBy
		fix.EffectiveAt = time.Now().UTC().Truncate(time.Millisecond).Add(-backDating)
		v.then(topics.WalletCredited, fix)
		v.gain = b + fix.Amount
	},
}

// leaves is the visit of a customer who was never there and never comes again.
func leaves(v *visit, b int64) {
	v.customer = fmt.Sprintf("gone_%d", v.number)
	v.refused(topics.RefusedUnknownAccount, v.money(topics.WalletDebit, topics.ReasonPurchase, 1))
	v.then(topics.WalletCredited, v.money(topics.WalletCredit, topics.ReasonBonus, b))
	v.refused(topics.RefusedWrongState, topics.WalletCommand{Type: topics.WalletClose})
	v.then(topics.WalletDebited, v.money(topics.WalletDebit, topics.ReasonPurchase, b))
	v.then(topics.WalletClosed, topics.WalletCommand{Type: topics.WalletClose})
	v.refused(topics.RefusedAccountClosed, v.money(topics.WalletCredit, topics.ReasonBonus, b))
}

func (v *visit) then(becomes topics.WalletEventType, command topics.WalletCommand) *move {
	m := &move{command: command, becomes: becomes}
	v.moves = append(v.moves, m)
	return m
}

func (v *visit) refused(code topics.RefusalCode, command topics.WalletCommand) *move {
	m := v.then(topics.WalletCommandRefused, command)
	m.refusal = code
	return m
}

func (v *visit) money(kind topics.WalletCommandType, reason topics.WalletReason, amount int64) topics.WalletCommand {
	return topics.WalletCommand{Type: kind, Amount: amount, Currency: "EUR", Reason: reason}
}

func (v *visit) round() string { return fmt.Sprintf("round-%d", v.number) }

func (v *visit) game(kind topics.WalletCommandType, amount int64) topics.WalletCommand {
	c := v.money(kind, topics.ReasonGame, amount)
	c.RoundID = v.round()
	return c
}

// planVisit is the n-th visit of a seed. Times are those of the call.
func planVisit(seed uint64, n int) *visit {
	r := rand.New(rand.NewPCG(seed^0x3a11e7, uint64(n)))
	v := &visit{number: n, overHTTP: r.IntN(3) == 0, twice: r.IntN(4) == 0, customer: fmt.Sprintf("cus_%02d", r.IntN(regulars))}
	bonus := 1000 + r.Int64N(9000)
	if kind := r.IntN(len(visits) + 1); kind == len(visits) {
		leaves(v, bonus)
	} else {
		v.then(topics.WalletCredited, v.money(topics.WalletCredit, topics.ReasonBonus, bonus))
		visits[kind](r, v, bonus)
	}
	for i, m := range v.moves {
		c := &m.command
		c.CommandID, c.Tenant, c.CustomerID = commandID(fmt.Sprintf("visit/%d/%d", seed, n), i), tenant, v.customer
		if m.on != nil {
			c.HoldID = m.on.command.CommandID
		}
	}
	return v
}

// request is a move as the API takes it; the answer to its hold has told hold.
func (m *move) request(hold string) (path string, body map[string]any) {
	c := &m.command
	path, body = "/v1/wallets/"+c.CustomerID, map[string]any{}
	for name, value := range map[string]string{"currency": c.Currency, "reason": string(c.Reason), "requested_by": c.RequestedBy} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Amount > 0 {
		body["amount"] = c.Amount
	}
	for name, at := range map[string]time.Time{"expires_at": c.ExpiresAt, "effective_at": c.EffectiveAt} {
		if !at.IsZero() {
			body[name] = at
		}
	}
	switch c.Type {
	case topics.WalletRollbackRound:
		return path + "/rounds/" + c.RoundID + "/rollback", body
	case topics.WalletCaptureHold:
		return path + "/holds/" + hold + "/capture", body
	case topics.WalletReleaseHold:
		return path + "/holds/" + hold + "/release", body
	case topics.WalletClose:
		return path + "/close", body
	}
	if c.RoundID != "" {
		body["round_id"] = c.RoundID
	}
	return path + "/" + string(c.Type) + "s", body
}
