package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// paymentsPerPlayer: so many payments, one customer whose wallet is moved by command.
const paymentsPerPlayer = 16

// approver is the second person of an adjustment; over HTTP that is the API key.
const approver = "bob"

// holdFor is how long a hold of a story that waits for its end is placed.
const holdFor = 6 * time.Second

// player is a customer whose wallet is moved by command: what is asked, one after the other, and what must come of it.
// No payment is a player's.
type player struct {
	customer string
	story    string
	currency string
	overHTTP bool
	twice    bool // every command is sent twice, every HTTP request repeated with its key
	moves    []*move
	end      topics.WalletBalance
}

// move is one command and what must come of it.
type move struct {
	command topics.WalletCommand
	becomes topics.WalletEventType
	refusal topics.RefusalCode
	expires bool  // the hold that it places must run out by itself
	on      *move // placed the hold that this is about
}

func (p *player) then(becomes topics.WalletEventType, command topics.WalletCommand) *move {
	m := &move{command: command, becomes: becomes}
	p.moves = append(p.moves, m)
	return m
}

func (p *player) refused(code topics.RefusalCode, command topics.WalletCommand) {
	p.then(topics.WalletCommandRefused, command).refusal = code
}

// money is a command that moves an amount of the player's currency.
func (p *player) money(kind topics.WalletCommandType, reason topics.WalletReason, amount int64) topics.WalletCommand {
	c := topics.WalletCommand{Type: kind, Amount: amount, Currency: p.currency, Reason: reason}
	if reason == topics.ReasonGame {
		c.RoundID = p.round()
	}
	return c
}

func (p *player) round() string { return "round-" + p.customer }

// walletStory is one kind of player.
type walletStory struct {
	name   string
	weight int
	// tell says what follows the bonus, has, that every story begins with; amount is less than that.
	tell func(p *player, has, amount int64)
}

var walletStories = []walletStory{
	{"plays and wins", 5, func(p *player, has, amount int64) {
		p.then(topics.WalletDebited, p.money(topics.WalletDebit, topics.ReasonGame, amount))
		p.then(topics.WalletCredited, p.money(topics.WalletCredit, topics.ReasonGame, 2*amount))
		p.end.Available = has + amount
	}},
	{"plays, and the round is undone", 3, func(p *player, has, amount int64) {
		p.then(topics.WalletDebited, p.money(topics.WalletDebit, topics.ReasonGame, amount))
		p.then(topics.WalletCredited, p.money(topics.WalletCredit, topics.ReasonGame, 2*amount))
		p.then(topics.WalletRoundRolled, topics.WalletCommand{Type: topics.WalletRollbackRound, RoundID: p.round()})
		p.refused(topics.RefusedFinished, p.money(topics.WalletDebit, topics.ReasonGame, 1))
		p.end.Available = has
	}},
	{"orders: held, taken in part, the rest released", 4, func(p *player, has, amount int64) {
		hold := p.then(topics.WalletHeld, p.money(topics.WalletHold, "", amount))
		take := p.then(topics.WalletHoldCaptured, p.money(topics.WalletCaptureHold, topics.ReasonPurchase, amount-1))
		give := p.then(topics.WalletHoldReleased, topics.WalletCommand{Type: topics.WalletReleaseHold})
		take.on, give.on = hold, hold
		p.end.Available = has - amount + 1
	}},
	{"orders, and the hold runs out", 2, func(p *player, has, amount int64) {
		p.then(topics.WalletHeld, p.money(topics.WalletHold, "", amount)).expires = true
		p.end.Available = has
	}},
	{"wants more than there is", 3, func(p *player, has, amount int64) {
		p.refused(topics.RefusedInsufficientFunds, p.money(topics.WalletDebit, topics.ReasonPurchase, has+1))
		p.then(topics.WalletDebited, p.money(topics.WalletDebit, topics.ReasonPurchase, amount))
		p.refused(topics.RefusedInsufficientFunds, p.money(topics.WalletHold, "", has-amount+1))
		p.end.Available = has - amount
	}},
	{"is corrected", 1, func(p *player, has, amount int64) {
		correction := p.money(topics.WalletCredit, topics.ReasonAdjustment, amount)
		correction.RequestedBy, correction.ApprovedBy, correction.Description = "ann", approver, "complaint"
		p.then(topics.WalletCredited, correction)
		p.end.Available = has + amount
	}},
	{"leaves", 2, func(p *player, has, amount int64) {
		p.refused(topics.RefusedWrongState, topics.WalletCommand{Type: topics.WalletClose})
		p.then(topics.WalletDebited, p.money(topics.WalletDebit, topics.ReasonPurchase, has))
		p.then(topics.WalletClosed, topics.WalletCommand{Type: topics.WalletClose})
		p.refused(topics.RefusedAccountClosed, p.money(topics.WalletCredit, topics.ReasonBonus, amount))
	}},
}

// newPlayers tells every player's story. The same seed tells the same stories with the same ids.
func newPlayers(tenant string, payments int, seed uint64, issued time.Time) ([]*player, error) {
	r := rand.New(rand.NewPCG(seed, 1))
	ids := uuid.NewGenWithOptions(uuid.WithRandomReader(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})),
		uuid.WithEpochFunc(func() time.Time { return issued }))
	players := make([]*player, payments/paymentsPerPlayer)
	for i := range players {
		currency := currencies[r.IntN(len(currencies))]
		has := currency.from + r.Int64N(currency.to-currency.from)
		p := &player{customer: fmt.Sprintf("player_%04d", i), currency: currency.code, overHTTP: i%2 == 1, twice: r.IntN(4) == 0}
		p.begin(chooseWallet(r), has, 2+r.Int64N(has/2))
		for _, m := range p.moves {
			id, err := ids.NewV7()
			if err != nil {
				return nil, fmt.Errorf("command id: %w", err)
			}
			m.command.CommandID, m.command.Tenant, m.command.CustomerID = id.String(), tenant, p.customer
			if m.on != nil {
				m.command.HoldID = m.on.command.CommandID
			}
		}
		players[i] = p
	}
	return players, nil
}

// begin tells the story, after a debit of a wallet that is not there yet and the bonus that opens it.
func (p *player) begin(s *walletStory, has, amount int64) {
	p.story = s.name
	p.refused(topics.RefusedUnknownAccount, p.money(topics.WalletDebit, topics.ReasonPurchase, amount))
	p.then(topics.WalletCredited, p.money(topics.WalletCredit, topics.ReasonBonus, has))
	s.tell(p, has, amount)
}

func chooseWallet(r *rand.Rand) *walletStory {
	total := 0
	for _, s := range walletStories {
		total += s.weight
	}
	at := r.IntN(total)
	for i := range walletStories {
		if at -= walletStories[i].weight; at < 0 {
			return &walletStories[i]
		}
	}
	panic("demo: the weights do not add up")
}
