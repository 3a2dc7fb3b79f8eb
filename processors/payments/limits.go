package payments

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var lookUpLimits = database.NewLookup("tenant, customer, state, version", "customer_limits")

// hasLimits says whether any customer of a partition has responsible-gaming limits, or has had anything counted. Where none
// has, and no command asks for it, they cost nothing.
func hasLimits(ctx context.Context, pool *pgxpool.Pool, number int32) (limited bool, err error) {
	err = pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM customer_limits WHERE partition = $1)`, number).Scan(&limited)
	if err != nil {
		return false, fmt.Errorf("look for limits of customers in partition %d: %w", number, err)
	}
	return limited, nil
}

// limits says that an input may give a customer limits, or something to count.
func (in *input) limits() bool {
	if w := in.wallet.Command; w != nil {
		return w.Gaming != nil || w.Command.Type == topics.WalletSetLimit
	}
	return in.Command != nil && in.Command.Gaming != nil
}

// wantCounted asks for what limits know of the customer of a payment's input.
func (s *partition) wantCounted(in *input, want *wanted) {
	if in.payment == (paymentKey{}) {
		return
	}
	customer, ok := s.created[in.payment]
	if h, _ := s.payments.get(in.payment); h.Payment != nil {
		customer, ok = h.Ledger(), true
	}
	if ok {
		s.wantHolder(customerKey{customer.Tenant, customer.ID}, want)
	}
}

// checkDeposit finds the day that a create, authorize, approve or increment command, a capture of more than is left, or the next attempt of a payment that waited,
// counts in, and the deposit limit that it is closest to. What a reviewer approves, and what was asked for before, stays where it
// was counted, and is measured by the customer's own limits alone: these no reviewer lifts, and no wait outlasts. What was never
// counted, since there was no limit then, counts on the day of the approval or the attempt.
func (s *partition) checkDeposit(h *held, in *input, r *stream.Record) {
	if !s.limited {
		return
	}
	customer, amount, terms, ok := s.deposit(h, in)
	if !ok {
		return
	}
	ask := gaming.Ask{Kind: topics.GamingDeposit, Currency: string(customer.Currency), Amount: amount, Now: r.Time}
	limits := &s.holder(customerKey{customer.Tenant, customer.ID}).limits
	if terms == nil && !limits.state.Counts(topics.GamingDeposit) {
		return
	}
	ask.Day = gaming.DayIn(terms, r.Time)
	if h.Payment != nil && h.CountedDay != "" {
		ask.Counted = topics.GamingCount{Day: h.CountedDay, Amount: h.Counted}
		switch {
		case in.Timer != nil:
			ask.Day = h.CountedDay
		case in.Command.Command.Type == topics.CommandApprove:
			ask.Day, terms = h.CountedDay, nil
		case in.Command.Command.Type == topics.CommandIncrement: // it is a part of what is counted there
			ask.Day = h.CountedDay
		}
	}
	in.CountedDay, in.Limit = ask.Day, limits.state.Check(&ask, terms)
	if in.Command != nil {
		in.Command.Decision.GamingLimit = in.Limit
	}
	s.metrics.limit(in.Limit)
}

// deposit is whose deposit an input may let begin or grow, up to how much, and the brand's limits that came with it; ok is false where it
// is of nothing such.
func (s *partition) deposit(h *held, in *input) (customer ledger.Customer, amount int64, terms *topics.GamingTerms, ok bool) {
	if t := in.Timer; t != nil {
		if h.Payment == nil || t.Kind != topics.TimerRetry || t.Generation != h.Timer.Generation {
			return customer, 0, nil, false
		}
		return h.Ledger(), h.Deposited(), nil, true
	}
	c := in.Command
	if c == nil || c.Refusal != nil {
		return customer, 0, nil, false
	}
	if customer, ok = s.creates(in); ok {
		return customer, c.Command.Amount, c.Gaming, true
	}
	if h.Payment == nil || c.Command.Tenant != h.Tenant || c.Command.CustomerID != h.Customer {
		return customer, 0, nil, false // it is refused, and tells nothing of whose payment it names
	}
	switch c.Command.Type {
	case topics.CommandAuthorize:
		amount = h.Amount
	case topics.CommandApprove:
		amount = h.Deposited()
	case topics.CommandIncrement:
		amount = h.Deposited() + c.Command.Amount
	case topics.CommandCapture:
		if c.Command.Amount <= h.Uncaptured() {
			return customer, 0, nil, false
		}
		amount = h.Captured + c.Command.Amount
	default:
		return customer, 0, nil, false
	}
	return h.Ledger(), amount, c.Gaming, true
}

// countDeposit folds what an event of a payment counts.
func (s *partition) countDeposit(e *topics.PaymentEvent, in *input, position int64) {
	h := s.holder(customerKey{e.Tenant, e.CustomerID})
	h.limits.state.CountDeposit(e.Counted, e.Currency)
	if in != nil && in.CountedDay != "" && in.Command != nil {
		h.limits.state.Learn(in.Command.Gaming, topics.GamingDeposit)
	}
	s.touchLimits(h, position)
}

// holder is a customer that Load has read.
func (s *partition) holder(c customerKey) *holder {
	h, ok := s.holders.get(c)
	if !ok {
		panic(fmt.Sprintf("payments: what limits know of customer %s of tenant %s was not loaded", c.id, c.tenant))
	}
	return h
}

func (s *partition) touchLimits(h *holder, position int64) {
	if h.limits.touch(position) {
		s.changed.limits = append(s.changed.limits, &h.limits)
	}
}

// size is about how many bytes a customer takes in memory beside what each does: limits, and where deposits came from.
func (h *holder) size() (n int) {
	if !h.limits.state.Empty() {
		n = h.limits.state.Size()
	}
	return n + h.sources.state.Size()
}

// resize tells the cache how large the customers are that the batch changed.
func (s *partition) resize() {
	again := func(c customerKey) {
		if h, ok := s.holders.get(c); ok {
			s.holders.put(c, h, h.size())
		}
	}
	for _, l := range s.changed.limits {
		again(l.customer)
	}
	for _, p := range s.changed.sources {
		again(p.customer)
	}
}

func (s *partition) readLimits(rows pgx.Rows) error {
	var c customerKey
	var state []byte
	var version int64
	_, err := pgx.ForEachRow(rows, []any{&c.tenant, &c.id, &state, &version}, func() error {
		h, ok := s.holders.get(c)
		if !ok {
			return fmt.Errorf("the limits of customer %s of tenant %s stand under the key of another one", c.id, c.tenant)
		}
		h.limits.stored, h.limits.version = true, version
		if err := topics.Unmarshal(state, &h.limits.state); err != nil {
			return fmt.Errorf("limits of customer %s of tenant %s: %w", c.id, c.tenant, err)
		}
		s.holders.put(c, h, h.size())
		return nil
	})
	return err
}

// wantRestoredCount asks for what limits know of the customer of a published event that counts.
func (s *partition) wantRestoredCount(o *stream.Output, want *wanted) error {
	if !bytes.Contains(o.Value, []byte(`"counted":`)) {
		return nil
	}
	var e topics.PaymentEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	s.limited = true
	s.wantHolder(customerKey{e.Tenant, e.CustomerID}, want)
	return nil
}

// stateColumns are the rows that a batch writes of a table that has one state for each customer, column by column.
type stateColumns struct {
	keys      [][16]byte
	tenants   []string
	customers []string
	states    []string
	before    []int64 // versions
	versions  []int64
}

func (c *stateColumns) reset() {
	c.keys, c.tenants, c.customers, c.states, c.before, c.versions = c.keys[:0], c.tenants[:0], c.customers[:0], c.states[:0], c.before[:0], c.versions[:0]
}

func addState[T gaming.State | payouts.Sources](c *stateColumns, p *part[T], state []byte) {
	c.keys = append(c.keys, p.key)
	c.tenants = append(c.tenants, p.customer.tenant)
	c.customers = append(c.customers, p.customer.id)
	c.states = append(c.states, string(state))
	c.before = append(c.before, p.version)
	c.versions = append(c.versions, p.positions[len(p.positions)-1])
}

func encodeLimits(p *part[gaming.State]) []byte {
	state, err := topics.Marshal(&p.state)
	if err != nil {
		panic(fmt.Sprintf("payments: limits of customer %s of tenant %s: %v", p.customer.id, p.customer.tenant, err))
	}
	return state
}

// The version check is that of upsertPayments. Records that counted are not listed: there may be very many.
const upsertLimits = `INSERT INTO customer_limits (partition, id, tenant, customer, state, before, version)
SELECT $1::int4, id, tenant, customer, state, before, version
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[]) AS l(id, tenant, customer, state, before, version)
ON CONFLICT (partition, id) DO UPDATE SET state = excluded.state, before = excluded.before,
	version = CASE WHEN customer_limits.version = excluded.before THEN excluded.version
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, customer_limits.version]) AS two(v)) END`

func (c *stateColumns) queue(batch *pgx.Batch, upsert string, partition int32) {
	if len(c.keys) > 0 {
		batch.Queue(upsert, partition, c.keys, c.tenants, c.customers, c.states, c.before, c.versions)
	}
}
