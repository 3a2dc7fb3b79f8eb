package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/segmentio/encoding/json"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/topics"
)

// clients is how many HTTP clients act at a time.
const clients = 64

// readEvery is how often a client that waits for a payment reads it.
const readEvery = 50 * time.Millisecond

// checkout is the HTTP side: clients that create intents and act on them.
type checkout struct {
	base, key string
	http      *http.Client
	board     *scoreboard
}

func newCheckout(base, key string, board *scoreboard) *checkout {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = clients
	return &checkout{base: base, key: key, board: board, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func (c *checkout) run(ctx context.Context, plan []*payment) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(clients)
	for _, one := range plan {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			id, err := c.play(ctx, one)
			if err != nil {
				c.board.problem("payment %d (%s) %s: %v", one.number, one.story, id, err)
				return nil
			}
			c.board.ended(one, id)
			return nil
		})
	}
	return group.Wait()
}

// intent is what this client reads of one.
type intent struct {
	ID       string               `json:"id"`
	Status   topics.PaymentStatus `json:"status"`
	Captured int64                `json:"captured"`
	Refunded int64                `json:"refunded"`
}

func (c *checkout) play(ctx context.Context, one *payment) (id string, err error) {
	create := one.create
	body, err := json.Marshal(map[string]any{
		"customer_id": create.CustomerID, "amount": create.Amount, "currency": create.Currency, "authorize": create.Authorize,
		"capture_method": create.CaptureMethod, "card": create.Card, "context": create.Context,
		"merchant_reference": create.MerchantReference,
	})
	if err != nil {
		return "", err
	}
	began := time.Now()
	now, err := c.write(ctx, one, "/v1/intents", create.CommandID, body)
	if err != nil {
		return "", err
	}
	if create.Authorize {
		c.board.httpLatency(time.Since(began))
	}
	id = now.ID
	for _, step := range one.steps {
		if err := c.wait(ctx, id, step.when); err != nil {
			return id, err
		}
		if err := c.follow(ctx, one, id, step.command); err != nil {
			return id, err
		}
	}
	return id, c.wait(ctx, id, one.end)
}

func (c *checkout) follow(ctx context.Context, one *payment, id string, command topics.Command) error {
	path, fields := string(command.Type), map[string]any{}
	if command.Type == topics.CommandRefund {
		path = "refunds"
	}
	if command.Amount > 0 {
		fields["amount"] = command.Amount
	}
	if command.Challenge != nil {
		fields["challenge"] = command.Challenge
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	_, err = c.write(ctx, one, "/v1/intents/"+id+"/"+path, command.CommandID, body)
	return err
}

// write sends a request, and once more where the story says so: the second answer must be the first.
func (c *checkout) write(ctx context.Context, one *payment, path, key string, body []byte) (*intent, error) {
	status, answer, err := c.send(ctx, http.MethodPost, path, key, body)
	if err != nil {
		return nil, err
	}
	if status >= 400 && status != http.StatusPaymentRequired {
		return nil, fmt.Errorf("POST %s: %d %s", path, status, answer)
	}
	if one.twice && status != http.StatusAccepted {
		again, repeated, err := c.send(ctx, http.MethodPost, path, key, body)
		if err != nil {
			return nil, err
		}
		if again != status || !bytes.Equal(repeated, answer) {
			return nil, fmt.Errorf("POST %s: repeated with its key: %d %s, at first %d %s", path, again, repeated, status, answer)
		}
		c.board.repeated()
	}
	return decodeIntent(status, answer)
}

// decodeIntent reads an answer. A declined or blocked intent stands in the details of the error.
func decodeIntent(status int, answer []byte) (*intent, error) {
	if status == http.StatusPaymentRequired {
		var refused struct {
			Details struct {
				Intent intent `json:"intent"`
			} `json:"details"`
		}
		return &refused.Details.Intent, json.Unmarshal(answer, &refused)
	}
	var read intent
	if err := json.Unmarshal(answer, &read); err != nil {
		return nil, fmt.Errorf("answer %q: %w", answer, err)
	}
	return &read, nil
}

// wait reads the intent until it is in the condition or ctx ends.
func (c *checkout) wait(ctx context.Context, id string, want condition) error {
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		status, answer, err := c.send(ctx, http.MethodGet, "/v1/intents/"+id, "", nil)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("GET %s: %d %s", id, status, answer)
		}
		now, err := decodeIntent(status, answer)
		if err != nil {
			return err
		}
		is := condition{now.Status, now.Captured, now.Refunded}
		if is == want {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("is %s, should be %s", is, want)
		}
	}
}

func (c *checkout) send(ctx context.Context, method, path, key string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// twice posts the same with the same key again: both answers must be the same.
func (c *checkout) twice(ctx context.Context, path, key string, fields map[string]any) (status int, answer []byte, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return 0, nil, err
	}
	status, answer, err = c.send(ctx, http.MethodPost, path, key, body)
	if err != nil {
		return 0, nil, err
	}
	again, repeated, err := c.send(ctx, http.MethodPost, path, key, body)
	if err != nil {
		return 0, nil, err
	}
	if again != status || !bytes.Equal(repeated, answer) {
		return 0, nil, fmt.Errorf("POST %s: repeated with its key: %d %s, at first %d %s", path, again, repeated, status, answer)
	}
	c.board.repeated()
	return status, answer, nil
}

// until reads a resource until it says something.
func (c *checkout) until(ctx context.Context, path, says string) error {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		_, answer, err := c.send(ctx, http.MethodGet, path, "", nil)
		switch {
		case err != nil:
			return err
		case bytes.Contains(answer, []byte(says)):
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("GET %s: %s, should come to say %s", path, answer, says)
		case <-tick.C:
		}
	}
}
