package crashtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// payment is one payment: what is asked for, and what it must come to.
type payment struct {
	number   int
	overHTTP bool
	twice    bool // every command is sent twice
	create   topics.Command
	steps    []step
	end      condition
	events   map[topics.EventType]int // how many of each that the commands ask for
	asked    []topics.EventType       // those that no command asks for
	charged  bool                     // the PSP has an authorization
}

// step is a command that follows once the payment is in a condition.
type step struct {
	when    condition
	command topics.Command
}

// condition is a state of a payment; the amounts are minor units.
type condition struct {
	status             topics.PaymentStatus
	captured, refunded int64
}

func (c condition) String() string {
	return fmt.Sprintf("%s (captured %d, refunded %d)", c.status, c.captured, c.refunded)
}

// stories are the lives that a payment may have. Each amount is at least 1000.
var stories = []func(*rand.Rand, *payment){
	func(_ *rand.Rand, p *payment) { // captured at once
		p.automatic("tok_approved")
	},
	func(_ *rand.Rand, p *payment) { // captured by a command
		p.manual()
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandCapture, 0)
		p.ends(topics.StatusCaptured, p.create.Amount, 0)
	},
	func(r *rand.Rand, p *payment) { // captured in two parts, refunded in part
		p.manual()
		first := 1 + r.Int64N(p.create.Amount-1)
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandCapture, first)
		p.then(topics.StatusPartiallyCaptured, first, 0, topics.CommandCapture, p.create.Amount-first)
		p.then(topics.StatusCaptured, p.create.Amount, 0, topics.CommandRefund, first)
		p.ends(topics.StatusPartiallyRefunded, p.create.Amount, first)
	},
	func(_ *rand.Rand, p *payment) { // refunded, in two steps
		p.automatic("tok_approved")
		p.then(topics.StatusCaptured, p.create.Amount, 0, topics.CommandRefund, 400)
		p.then(topics.StatusPartiallyRefunded, p.create.Amount, 400, topics.CommandRefund, 0)
		p.ends(topics.StatusRefunded, p.create.Amount, p.create.Amount)
	},
	func(_ *rand.Rand, p *payment) { // refunded, settled by a webhook
		p.automatic("tok_refund_pending")
		p.then(topics.StatusCaptured, p.create.Amount, 0, topics.CommandRefund, 0)
		p.ends(topics.StatusRefunded, p.create.Amount, p.create.Amount)
	},
	func(_ *rand.Rand, p *payment) { // voided
		p.manual()
		p.then(topics.StatusAuthorized, 0, 0, topics.CommandVoid, 0)
		p.ends(topics.StatusVoided, 0, 0)
	},
	func(_ *rand.Rand, p *payment) { // cancelled before anybody was asked
		p.create.Authorize, p.create.CaptureMethod, p.charged = false, topics.CaptureManual, false
		p.then(topics.StatusCreated, 0, 0, topics.CommandCancel, 0)
		p.ends(topics.StatusCancelled, 0, 0)
	},
	func(_ *rand.Rand, p *payment) { // authorised in a second step
		p.automatic("tok_approved")
		p.create.Authorize = false
		p.then(topics.StatusCreated, 0, 0, topics.CommandAuthorize, 0)
	},
	func(_ *rand.Rand, p *payment) { // declined
		p.automatic("tok_declined_soft")
		p.ends(topics.StatusDeclined, 0, 0)
	},
	func(_ *rand.Rand, p *payment) { // the PSP charges, and its answer is lost: learnt by asking
		p.automatic("tok_connection_lost")
	},
	func(_ *rand.Rand, p *payment) { // the PSP charges and does not answer
		p.automatic("tok_timeout_after_charge")
	},
	func(_ *rand.Rand, p *payment) { // a webhook that comes twice
		p.automatic("tok_duplicate_webhook")
	},
	func(_ *rand.Rand, p *payment) { // the webhook alone tells
		p.automatic("tok_async")
	},
	func(_ *rand.Rand, p *payment) { // reviewed once it is authorised, and captured then
		p.reviewed("tok_approved", topics.EventCaptureRequested)
	},
	func(_ *rand.Rand, p *payment) { // reviewed though the answer of the PSP is lost
		p.reviewed("tok_connection_lost", topics.EventCaptureRequested)
	},
	func(_ *rand.Rand, p *payment) { // the review blocks, and the authorisation is released
		p.reviewed("tok_cvv_mismatch", topics.EventVoidRequested)
		p.ends(topics.StatusVoided, 0, 0)
	},
	func(_ *rand.Rand, p *payment) { // the review holds, a reviewer lets it go on
		p.reviewed("tok_avs_mismatch", topics.EventCaptureRequested)
		p.then(topics.StatusHeld, 0, 0, topics.CommandApprove, 0)
	},
	func(_ *rand.Rand, p *payment) { // the review holds, a reviewer does not
		p.reviewed("tok_avs_mismatch", topics.EventVoidRequested)
		p.then(topics.StatusHeld, 0, 0, topics.CommandReject, 0)
		p.ends(topics.StatusVoided, 0, 0)
	},
}

// reviewed is the region whose authorisations are reviewed. The engines have none, so that each payment has its own.
const reviewed = "reviewed"

// reviewed is a payment whose review leads to a request that no command asks for.
func (p *payment) reviewed(token string, asks topics.EventType) {
	p.automatic(token)
	p.overHTTP, p.create.Region, p.asked = false, reviewed, append(p.asked, asks)
}

func (p *payment) automatic(token string) {
	p.create.CaptureMethod, p.create.Card.Token = topics.CaptureAutomatic, token
	p.ends(topics.StatusCaptured, p.create.Amount, 0)
}

func (p *payment) manual() { p.create.CaptureMethod = topics.CaptureManual }

func (p *payment) ends(status topics.PaymentStatus, captured, refunded int64) {
	p.end = condition{status, captured, refunded}
}

func (p *payment) then(status topics.PaymentStatus, captured, refunded int64, command topics.CommandType, amount int64) {
	p.steps = append(p.steps, step{condition{status, captured, refunded}, topics.Command{
		CommandID: commandID(p.create.CommandID, len(p.steps)), Type: command, Tenant: tenant, Region: p.create.Region,
		CustomerID: p.create.CustomerID, Amount: amount, Currency: p.create.Currency,
	}})
}

// commandID derives the id of a command, so that a seed always gives the same.
func commandID(name string, n int) string {
	return uuid.NewV5(uuid.NamespaceOID, fmt.Sprintf("%s/%d", name, n)).String()
}

// effects is the event that shows that a command was carried out.
var effects = map[topics.CommandType]topics.EventType{
	topics.CommandCreate: topics.EventCreated, topics.CommandAuthorize: topics.EventAuthorizationRequested,
	topics.CommandCapture: topics.EventCaptureRequested, topics.CommandVoid: topics.EventVoidRequested,
	topics.CommandRefund: topics.EventRefundRequested, topics.CommandCancel: topics.EventCancelled,
	topics.CommandApprove: topics.EventReleased, topics.CommandReject: topics.EventRejected,
}

// plan is the n-th payment of a seed.
func plan(seed uint64, n int) *payment {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	customer := r.IntN(regulars)
	p := &payment{number: n, overHTTP: r.IntN(3) == 0, twice: r.IntN(8) == 0, charged: true, create: topics.Command{
		CommandID: commandID(fmt.Sprint("payment/", seed), n), Type: topics.CommandCreate, Tenant: tenant,
		CustomerID: fmt.Sprintf("cus_%02d", customer), Amount: 1000 + r.Int64N(9000), Currency: "EUR", Authorize: true,
		Card: &topics.Card{Token: "tok_approved", Fingerprint: fmt.Sprintf("fp_%d", customer), BIN: "411111",
			Last4: "1111", Scheme: "visa", Type: "credit", Country: "DE"},
		Context: &topics.Context{IP: fmt.Sprintf("203.0.113.%d", customer), DeviceID: fmt.Sprintf("dev_%d", customer), Country: "DE"},
	}}
	stories[r.IntN(len(stories))](r, p)
	p.events = map[topics.EventType]int{topics.EventCreated: 1}
	if p.create.Authorize {
		p.events[topics.EventAuthorizationRequested]++
	}
	for _, s := range p.steps {
		p.events[effects[s.command.Type]]++
	}
	for _, kind := range p.asked {
		p.events[kind]++
	}
	return p
}
