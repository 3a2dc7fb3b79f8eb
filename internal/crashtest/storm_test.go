package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/weirhq/weir/topics"
)

const (
	stormPerSecond = 40
	stormInFlight  = 150
	stepLimit      = 6 * time.Second // until an actor tries something else
)

// storm is traffic without a plan: actors ask for what comes to their mind, whether it is possible or not.
type storm struct {
	*traffic
	told *chronicle

	known sync.Mutex
	asked map[string]map[topics.EventType]int // by payment: commands that would be followed by such an event
	paid  map[string]bool                     // payouts that were asked for
}

func (s *storm) begin() {
	s.start(func(ctx context.Context) {
		limiter := rate.NewLimiter(stormPerSecond, 1)
		room := make(chan struct{}, stormInFlight)
		var acting sync.WaitGroup
		defer acting.Wait()
		for n := 0; ; n++ {
			select {
			case room <- struct{}{}:
			case <-s.halt:
				return
			case <-ctx.Done():
				return
			}
			if limiter.Wait(ctx) != nil {
				return
			}
			acting.Go(func() {
				defer func() { <-room }()
				r := rand.New(rand.NewPCG(s.seed, uint64(n)))
				if err := s.act(ctx, r, n); err != nil && ctx.Err() == nil {
					s.problem("actor %d: %v", n, err)
				}
			})
		}
	})
}

func (s *storm) act(ctx context.Context, r *rand.Rand, n int) error {
	customer := r.IntN(regulars)
	if r.IntN(4) == 0 {
		return s.payout(ctx, r, n, fmt.Sprintf("cus_%02d", customer))
	}
	return s.pay(ctx, r, n, customer)
}

// pay makes a payment and then whatever may follow one.
func (s *storm) pay(ctx context.Context, r *rand.Rand, n, customer int) error {
	create := topics.Command{
		CommandID: commandID(fmt.Sprint("storm/", s.seed), n), Type: topics.CommandCreate, Tenant: tenant,
		CustomerID: fmt.Sprintf("cus_%02d", customer), Amount: 1000 + r.Int64N(9000), Currency: "EUR", Authorize: true,
		CaptureMethod: []topics.CaptureMethod{topics.CaptureAutomatic, topics.CaptureManual}[r.IntN(2)],
		Card: &topics.Card{Token: fmt.Sprintf("tok_approved.%d", customer), Fingerprint: fmt.Sprintf("fp_%d", customer), BIN: "411111",
			Last4: "1111", Scheme: "visa", Type: "credit", Country: []string{"DE", "AT"}[customer%2]},
	}
	id := paymentID(&create)
	if r.IntN(2) == 0 {
		answer, err := s.ask(ctx, r, "/v1/intents", create.CommandID, createBody(&create))
		if err == nil {
			id, err = intentID(answer)
		}
		if err != nil {
			return err
		}
	} else if err := s.tell(ctx, r, &create); err != nil {
		return err
	}
	s.mu.Lock()
	s.payments[id] = &payment{number: n, create: create}
	s.mu.Unlock()
	for step := range 1 + r.IntN(5) {
		status := s.until(ctx, id)
		follow := s.next(r, &create, status)
		if follow == nil {
			return nil
		}
		follow.CommandID, follow.Tenant, follow.CustomerID, follow.PaymentID = commandID(create.CommandID, step), tenant, create.CustomerID, id
		s.known.Lock()
		if s.asked[id] == nil {
			s.asked[id] = map[topics.EventType]int{}
		}
		s.asked[id][effects[follow.Type]]++
		s.known.Unlock()
		var err error
		if r.IntN(2) == 0 {
			path, body := followBody(id, follow)
			if follow.Challenge != nil {
				body["challenge"] = follow.Challenge
			}
			_, err = s.ask(ctx, r, path, follow.CommandID, body)
		} else {
			err = s.tell(ctx, r, follow)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// until waits until a payment or payout waits for somebody to do something, or for a while, and returns its status.
func (s *storm) until(ctx context.Context, id string) string {
	limit := time.NewTimer(stepLimit)
	defer limit.Stop()
	for {
		status, changed := s.told.status(id)
		switch status {
		case "", "authorizing", "unknown", "sent":
		default:
			return status
		}
		select {
		case <-changed:
		case <-limit.C:
			return status
		case <-ctx.Done():
			return status
		}
	}
}

// next is a command that may or may not be possible, nil for none.
func (s *storm) next(r *rand.Rand, create *topics.Command, status string) *topics.Command {
	part := func() int64 {
		if r.IntN(3) == 0 {
			return 0 // all that is left
		}
		return 1 + r.Int64N(create.Amount)
	}
	one := func(of ...topics.Command) *topics.Command {
		if n := r.IntN(len(of) + 1); n < len(of) {
			return &of[n]
		}
		return nil
	}
	capture, refund := topics.Command{Type: topics.CommandCapture, Amount: part()}, topics.Command{Type: topics.CommandRefund, Amount: part()}
	void, cancel := topics.Command{Type: topics.CommandVoid}, topics.Command{Type: topics.CommandCancel}
	switch topics.PaymentStatus(status) {
	case "": // nobody has heard of it yet
		return nil
	case topics.StatusRequiresAction:
		passed := &topics.Challenge{Result: []string{"authenticated", "authenticated", "attempted", "failed", "abandoned"}[r.IntN(5)]}
		return one(topics.Command{Type: topics.CommandConfirm, Challenge: passed}, topics.Command{Type: topics.CommandConfirm, Challenge: passed}, cancel)
	case topics.StatusAuthorized, topics.StatusPartiallyCaptured:
		return one(capture, capture, capture, void, refund)
	case topics.StatusCaptured, topics.StatusPartiallyRefunded:
		return one(refund, refund, capture, void)
	case topics.StatusDeclined, topics.StatusVoided, topics.StatusExpired, topics.StatusCancelled, topics.StatusRefunded:
		if r.IntN(5) > 0 {
			return nil
		}
	}
	return one(capture, refund, void, cancel)
}

// payout asks for one, and then perhaps for its end or its approval.
func (s *storm) payout(ctx context.Context, r *rand.Rand, n int, customer string) error {
	key := commandID(fmt.Sprint("payout/", s.seed), n)
	answer, err := s.ask(ctx, r, "/v1/payouts", key, map[string]any{"customer_id": customer, "amount": 100 + r.Int64N(7000), "currency": "EUR",
		"requested_by": "anna"})
	if err != nil {
		return err
	}
	var read struct{ ID string }
	if err := json.Unmarshal(answer, &read); err != nil || read.ID == "" {
		return nil // refused
	}
	s.known.Lock()
	s.paid[read.ID] = true
	s.known.Unlock()
	for step := range 2 {
		status := s.until(ctx, read.ID)
		does := []string{"approve", "reject", "cancel", "approve"}[r.IntN(4)]
		if status != "held" && r.IntN(3) > 0 {
			return nil
		}
		if _, err := s.ask(ctx, r, "/v1/payouts/"+read.ID+"/"+does, commandID(key, step), map[string]any{}); err != nil {
			return err
		}
	}
	return nil
}

// ask makes a request over HTTP, sometimes twice at a time.
func (s *storm) ask(ctx context.Context, r *rand.Rand, path, key string, fields map[string]any) (answer []byte, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	if r.IntN(5) == 0 {
		beside.Go(func() {
			if _, _, err := s.request(ctx, false, path, key, body); err != nil && ctx.Err() == nil {
				s.problem("POST %s, repeated: %v", path, err)
			}
		})
	}
	status, answer, err := s.request(ctx, r.IntN(8) == 0, path, key, body)
	if status == http.StatusInternalServerError || status == http.StatusBadRequest {
		return nil, fmt.Errorf("POST %s: %d %s", path, status, answer)
	}
	return answer, err
}

// tell writes a command to Kafka, sometimes more than once.
func (s *storm) tell(ctx context.Context, r *rand.Rand, command *topics.Command) error {
	command.IssuedAt = time.Now().UTC()
	value, err := topics.Marshal(command)
	if err != nil {
		return err
	}
	if err := s.write(ctx, r.IntN(4) == 0, &kgo.Record{Topic: topics.Commands, Key: []byte(command.CustomerID), Value: value}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands[command.CommandID] = command.Type
	return nil
}

// finish begins nothing more and waits for those who have begun.
func (s *storm) finish() {
	s.t.Helper()
	close(s.halt)
	select {
	case <-s.done:
	case <-time.After(endLimit):
		s.t.Errorf("after %s actors are still waiting", endLimit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.some("actors", s.problems)
}
