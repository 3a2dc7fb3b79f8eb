package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/topics"
)

// paymentsPerPayee: so many payments, one customer who deposits and has money paid out.
const paymentsPerPayee = 25

// payoutStory is how a payout to a card with a token goes.
type payoutStory struct {
	name, token string
	ends        topics.PayoutStatus
}

var payoutStories = []payoutStory{
	{"paid", "tok_approved", topics.PayoutStatusPaid},
	{"paid, and a webhook tells", "tok_payout_pending", topics.PayoutStatusPaid},
	{"paid at the second attempt", "tok_payout_unavailable_once", topics.PayoutStatusPaid},
	{"paid, connection lost", "tok_payout_connection_lost", topics.PayoutStatusPaid},
	{"failed", "tok_payout_fails", topics.PayoutStatusFailed},
	{"failed, and a webhook tells", "tok_payout_fails_late", topics.PayoutStatusFailed},
	{"came back", "tok_payout_returned", topics.PayoutStatusReturned},
}

// payee is a customer who deposits, asks for what cannot be, and has a part paid out. No payment of a story is a payee's.
type payee struct {
	payoutStory
	customer        string
	deposit, amount int64 // in minor units of EUR
	keys            [4]string
}

// newPayees tells every payee's story. The same seed tells the same stories with the same keys.
func newPayees(payments int, seed uint64, issued time.Time) ([]*payee, error) {
	r := rand.New(rand.NewPCG(seed, 2))
	ids := uuid.NewGenWithOptions(uuid.WithRandomReader(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 2})),
		uuid.WithEpochFunc(func() time.Time { return issued }))
	payees := make([]*payee, payments/paymentsPerPayee)
	for i := range payees {
		p := &payee{payoutStory: payoutStories[i%len(payoutStories)], customer: fmt.Sprintf("payee_%04d", i), deposit: 2000 + r.Int64N(18_000)}
		p.amount = 1 + r.Int64N(p.deposit)
		for k := range p.keys {
			id, err := ids.NewV7()
			if err != nil {
				return nil, fmt.Errorf("key of a payout: %w", err)
			}
			p.keys[k] = id.String()
		}
		payees[i] = p
	}
	return payees, nil
}

// payoutSide is what became of the payees, who act over HTTP.
type payoutSide struct {
	mu       sync.Mutex
	statuses map[topics.PayoutStatus]int
	refusals map[topics.RefusalCode]int
	right    int
	all      int
}

func newPayoutSide(payees []*payee) *payoutSide {
	return &payoutSide{statuses: map[topics.PayoutStatus]int{}, refusals: map[topics.RefusalCode]int{}, all: len(payees)}
}

// run plays the payees, each as one client would: a request after the other.
func (s *payoutSide) run(ctx context.Context, c *checkout, payees []*payee) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(walletClients)
	for _, p := range payees {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			if err := s.play(ctx, c, p); err != nil {
				c.board.problem("payout of %s (%s): %v", p.customer, p.name, err)
				return nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.statuses[p.ends]++
			s.right++
			return nil
		})
	}
	return group.Wait()
}

func (s *payoutSide) play(ctx context.Context, c *checkout, p *payee) error {
	deposit := map[string]any{"customer_id": p.customer, "amount": p.deposit, "currency": "EUR", "authorize": true,
		"capture_method": topics.CaptureAutomatic, "card": topics.Card{Token: p.token, BIN: "411111", Country: "DE"}}
	if _, err := p.post(ctx, c, "/v1/intents", 0, deposit, ""); err != nil {
		return err
	}
	ask := func(amount int64) map[string]any {
		return map[string]any{"customer_id": p.customer, "amount": amount, "currency": "EUR", "requested_by": p.customer}
	}
	elsewhere := ask(p.amount)
	elsewhere["card"] = topics.Card{Token: "tok_slow"}
	for i, refused := range []struct {
		code topics.RefusalCode
		body map[string]any
	}{{topics.RefusedInsufficientFunds, ask(p.deposit + 1)}, {topics.RefusedClosedLoop, elsewhere}} {
		if _, err := p.post(ctx, c, "/v1/payouts", 1+i, refused.body, refused.code); err != nil {
			return err
		}
		s.mu.Lock()
		s.refusals[refused.code]++
		s.mu.Unlock()
	}
	id, err := p.post(ctx, c, "/v1/payouts", 3, ask(p.amount), "")
	if err != nil {
		return err
	}
	if err := c.until(ctx, "/v1/payouts/"+id, fmt.Sprintf(`"status":%q`, p.ends)); err != nil {
		return err
	}
	left := p.deposit
	if p.ends == topics.PayoutStatusPaid {
		left -= p.amount
	}
	return c.until(ctx, "/v1/wallets/"+p.customer, fmt.Sprintf(`"available":%d,`, left))
}

// post asks twice for something, and returns the id of what was made.
func (p *payee) post(ctx context.Context, c *checkout, path string, key int, fields map[string]any, refusal topics.RefusalCode) (id string, err error) {
	status, answer, err := c.twice(ctx, path, p.keys[key], fields)
	if err != nil {
		return "", err
	}
	var made struct {
		ID    string             `json:"id"`
		Error topics.RefusalCode `json:"error"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", fmt.Errorf("answer %q: %w", answer, err)
	}
	if made.Error != refusal || refusal == "" && status != http.StatusCreated {
		return "", fmt.Errorf("POST %s: %d %s, should be refused: %q", path, status, answer, refusal)
	}
	return made.ID, nil
}

func (r *report) payoutsOf(_ context.Context, out io.Writer) error {
	for _, status := range sorted(r.payouts.statuses) {
		fmt.Fprintf(out, "  %d\t %s\n", r.payouts.statuses[status], status)
	}
	for _, code := range sorted(r.payouts.refusals) {
		fmt.Fprintf(out, "  %d\t refused: %s\n", r.payouts.refusals[code], code)
	}
	return nil
}
