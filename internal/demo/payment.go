package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// payment is one payment of the plan: what is asked for and how it must end.
type payment struct {
	number   int
	story    string
	overHTTP bool
	twice    bool // every command is sent twice, every HTTP request repeated with its key
	reviewed bool // needs a reviewer's command, which only Kafka takes
	create   topics.Command
	steps    []step
	end      condition
}

// step is a command that follows once the payment is in a certain condition.
type step struct {
	when    condition
	command topics.Command
}

// condition is what a payment must have come to. Zero amounts mean nothing captured or refunded.
type condition struct {
	status             topics.PaymentStatus
	captured, refunded int64
}

func (c condition) String() string {
	return fmt.Sprintf("%s (captured %d, refunded %d)", c.status, c.captured, c.refunded)
}

func (p *payment) amount() int64 { return p.create.Amount }

func (p *payment) manual() { p.create.CaptureMethod = topics.CaptureManual }

func (p *payment) euros(from, to int64, r *rand.Rand) {
	p.create.Currency, p.create.Amount = "EUR", from+r.Int64N(to-from)
}

func (p *payment) then(status topics.PaymentStatus, captured, refunded int64, command topics.CommandType, amount int64) {
	p.steps = append(p.steps, step{condition{status, captured, refunded},
		topics.Command{Type: command, Tenant: p.create.Tenant, CustomerID: p.create.CustomerID, Amount: amount, Currency: p.create.Currency}})
}

func (p *payment) challenged(result string) {
	p.then(topics.StatusRequiresAction, 0, 0, topics.CommandConfirm, 0)
	p.steps[len(p.steps)-1].command.Challenge = &topics.Challenge{Result: result, ECI: "05"}
}

func (p *payment) ends(status topics.PaymentStatus, captured, refunded int64) {
	p.end = condition{status, captured, refunded}
}

// currencies and amounts that no rule of the example set minds.
var currencies = []struct {
	code     string
	from, to int64 // minor units
}{
	{"EUR", 1200, 14_000}, {"EUR", 1200, 14_000}, {"EUR", 1200, 14_000}, {"USD", 1300, 15_000}, {"GBP", 1000, 12_000},
	{"JPY", 1800, 20_000}, {"KWD", 4000, 45_000},
}

const cardsPerCustomer = 2

// newPlan tells every payment's story. The same seed tells the same stories with the same ids.
func newPlan(tenant string, count int, seed uint64, issued time.Time) ([]*payment, error) {
	r := rand.New(rand.NewPCG(seed, 0))
	ids := uuid.NewGenWithOptions(uuid.WithRandomReader(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})),
		uuid.WithEpochFunc(func() time.Time { return issued }))
	total := 0
	for _, s := range stories {
		total += s.weight
	}
	plan := make([]*payment, count)
	for i := range plan {
		id, err := ids.NewV7()
		if err != nil {
			return nil, fmt.Errorf("command id: %w", err)
		}
		p := &payment{number: i, create: ordinary(r, tenant, id)}
		s := choose(r.IntN(total))
		p.story = s.name
		s.tell(r, p)
		p.overHTTP = i%2 == 1 && !p.reviewed
		for k := range p.steps {
			if id, err = ids.NewV7(); err != nil {
				return nil, fmt.Errorf("command id: %w", err)
			}
			p.steps[k].command.CommandID = id.String()
		}
		plan[i] = p
	}
	return plan, nil
}

func choose(at int) *story {
	for i := range stories {
		if at -= stories[i].weight; at < 0 {
			return &stories[i]
		}
	}
	panic("demo: the weights do not add up")
}

// ordinary is a deposit that nothing is wrong with, captured at once.
func ordinary(r *rand.Rand, tenant string, id uuid.UUID) topics.Command {
	customer := r.IntN(600)
	currency := currencies[r.IntN(len(currencies))]
	return topics.Command{
		CommandID: id.String(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: fmt.Sprintf("cus_%04d", customer),
		Amount: currency.from + r.Int64N(currency.to-currency.from), Currency: currency.code,
		Authorize: true, CaptureMethod: topics.CaptureAutomatic,
		Card: &topics.Card{
			Token: "tok_approved", Fingerprint: fmt.Sprintf("fp_%d_%d", customer, r.IntN(cardsPerCustomer)),
			BIN: "411111", Last4: fmt.Sprintf("%04d", r.IntN(10_000)), Scheme: "visa", Type: "credit", Country: "DE",
		},
		Context: &topics.Context{
			IP: fmt.Sprintf("203.0.113.%d", r.IntN(250)), DeviceID: fmt.Sprintf("dev_%d", customer), Country: "DE",
			TimeZone: "Europe/Berlin",
		},
		MerchantReference: fmt.Sprintf("order-%s", id.String()[24:]),
	}
}
