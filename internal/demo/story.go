package demo

import (
	"math/rand/v2"

	"github.com/weirhq/weir/topics"
)

// story is one kind of payment: how often it happens, what the customer and the merchant do, and how it must end.
type story struct {
	name   string
	weight int
	// tell fills in the create command and what follows it.
	tell func(r *rand.Rand, p *payment)
}

// stories are what customers do in a day, the unlucky ones more often than in life.
var stories = []story{
	{"approved", 26, func(_ *rand.Rand, p *payment) {
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"authorised, then captured", 8, func(_ *rand.Rand, p *payment) {
		p.manual()
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandCapture, 0)
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"authorised in a second step", 4, func(_ *rand.Rand, p *payment) {
		p.create.Authorize = false
		p.then(topics.StatusCreated, 0, 0, topics.CommandAuthorize, 0)
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"captured in two parts", 6, func(r *rand.Rand, p *payment) {
		p.manual()
		first := 1 + r.Int64N(p.amount()-1)
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandCapture, first)
		p.then(topics.StatusPartiallyCaptured, first, 0, topics.CommandCapture, p.amount()-first)
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"partial capture, the rest voided", 3, func(r *rand.Rand, p *payment) {
		p.manual()
		first := 1 + r.Int64N(p.amount()-1)
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandCapture, first)
		p.then(topics.StatusPartiallyCaptured, first, 0, topics.CommandVoid, 0)
		p.ends(topics.StatusCaptured, first, 0)
	}},
	{"two partial refunds", 6, func(r *rand.Rand, p *payment) {
		first := 1 + r.Int64N(p.amount()/2)
		second := 1 + r.Int64N(p.amount()/2-1)
		p.then(topics.StatusCaptured, p.amount(), 0, topics.CommandRefund, first)
		p.then(topics.StatusPartiallyRefunded, p.amount(), first, topics.CommandRefund, second)
		p.ends(topics.StatusPartiallyRefunded, p.amount(), first+second)
	}},
	{"refunded", 4, func(_ *rand.Rand, p *payment) {
		p.then(topics.StatusCaptured, p.amount(), 0, topics.CommandRefund, 0)
		p.ends(topics.StatusRefunded, p.amount(), p.amount())
	}},
	{"refund settled by a webhook", 2, func(_ *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_refund_pending"
		p.then(topics.StatusCaptured, p.amount(), 0, topics.CommandRefund, 0)
		p.ends(topics.StatusRefunded, p.amount(), p.amount())
	}},
	{"voided", 5, func(_ *rand.Rand, p *payment) {
		p.manual()
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandVoid, 0)
		p.ends(topics.StatusVoided, 0, 0)
	}},
	{"cancelled", 2, func(_ *rand.Rand, p *payment) {
		p.create.Authorize = false
		p.then(topics.StatusCreated, 0, 0, topics.CommandCancel, 0)
		p.ends(topics.StatusCancelled, 0, 0)
	}},
	{"expired", 3, func(_ *rand.Rand, p *payment) {
		p.create.Authorize = false
		p.ends(topics.StatusExpired, 0, 0)
	}},
	{"soft decline", 6, func(r *rand.Rand, p *payment) {
		p.create.Card.Token = pick(r, "tok_declined_soft", "tok_declined_issuer")
		p.ends(topics.StatusDeclined, 0, 0)
	}},
	{"hard decline", 4, func(r *rand.Rand, p *payment) {
		p.create.Card.Token = pick(r, "tok_declined_hard", "tok_declined_expired")
		p.ends(topics.StatusDeclined, 0, 0)
	}},
	{"3-D Secure passed", 4, func(_ *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_3ds_challenge"
		p.challenged("authenticated")
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"3-D Secure failed", 2, func(_ *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_3ds_fail"
		p.challenged("failed")
		p.ends(topics.StatusDeclined, 0, 0)
	}},
	{"comes twice", 5, func(_ *rand.Rand, p *payment) {
		p.twice = true
		p.then(topics.StatusCaptured, p.amount(), 0, topics.CommandRefund, 0)
		p.ends(topics.StatusRefunded, p.amount(), p.amount())
	}},
	{"timeout, charged", 2, func(_ *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_timeout_after_charge"
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"connection lost, charged", 1, func(_ *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_connection_lost"
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"blocked by a rule", 4, func(r *rand.Rand, p *payment) {
		if r.IntN(2) == 0 {
			p.create.Card.BIN = "413567"
		} else {
			p.create.Context.DeviceID = "dev_denied_1"
		}
		p.ends(topics.StatusBlocked, 0, 0)
	}},
	{"stepped up by a rule, passed", 3, func(r *rand.Rand, p *payment) {
		p.euros(26_000, 200_000, r)
		p.create.Card.Country = "FR"
		p.challenged("authenticated")
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"challenge abandoned", 2, func(r *rand.Rand, p *payment) {
		p.create.Card.Token = "tok_3ds_challenge"
		p.ends(topics.StatusExpired, 0, 0)
	}},
	{"held, then approved", 2, func(r *rand.Rand, p *payment) {
		p.euros(260_000, 900_000, r)
		p.reviewed = true
		p.then(topics.StatusHeld, 0, 0, topics.CommandApprove, 0)
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
	{"held, then rejected", 1, func(r *rand.Rand, p *payment) {
		p.euros(260_000, 900_000, r)
		p.reviewed = true
		p.then(topics.StatusHeld, 0, 0, topics.CommandReject, 0)
		p.ends(topics.StatusRejected, 0, 0)
	}},
	{"held, waiting for a reviewer", 1, func(r *rand.Rand, p *payment) {
		p.euros(260_000, 900_000, r)
		p.ends(topics.StatusHeld, 0, 0)
	}},
	{"webhook twice and late", 2, func(r *rand.Rand, p *payment) {
		p.create.Card.Token = pick(r, "tok_duplicate_webhook", "tok_late_webhook")
		p.ends(topics.StatusCaptured, p.amount(), 0)
	}},
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }
