package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
	"golang.org/x/sync/errgroup"
)

// way is a way to pay that is more than a card and its captures. Each is gone once, over HTTP.
type way struct {
	name, does string
	payments   int
	play       func(*visitor, context.Context) error
}

var ways = []way{
	{"mandate", "set up by a first payment; the next one is taken without the customer", 2, (*visitor).subscribe},
	{"dispute", "the bank takes the payment back; evidence wins, and it comes back", 1, (*visitor).dispute},
	{"payment link", "paid on its page", 1, (*visitor).followLink},
	{"QR code", "shown, scanned and paid; a webhook tells", 1, (*visitor).scan},
}

// paymentsByWays are all that the ways make.
func paymentsByWays() int {
	n := 0
	for _, w := range ways {
		n += w.payments
	}
	return n
}

// visitor goes one way, and is a customer of nothing else.
type visitor struct {
	*checkout
	customer string
	asked    int // requests that move something
}

// runWays goes every way, each as one client would, and returns those that came to their end.
func (c *checkout) runWays(ctx context.Context, seed uint64, right []bool) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, w := range ways {
		group.Go(func() error {
			v := &visitor{checkout: c, customer: fmt.Sprintf("way_%d_%d", i, seed)}
			err := w.play(v, ctx)
			if err != nil {
				c.board.problem("%s of %s: %v", w.name, v.customer, err)
			}
			right[i] = err == nil
			return nil
		})
	}
	return group.Wait()
}

// wayAmount is what every way pays, in minor units of EUR.
const wayAmount = 20_00

// ask posts, twice with the same key, and reads what the answer names.
func (v *visitor) ask(ctx context.Context, path string, fields map[string]any) (made struct {
	ID, URL string
	Mandate string `json:"mandate_id"`
}, err error) {
	v.asked++
	status, answer, err := v.twice(ctx, path, fmt.Sprintf("%s_%d", v.customer, v.asked), fields)
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("POST %s: %d %s", path, status, answer)
	}
	return made, err
}

// pay asks for a payment, with what it is paid by.
func (v *visitor) pay(ctx context.Context, by map[string]any) (id, mandate string, err error) {
	by["customer_id"], by["amount"], by["currency"], by["authorize"], by["capture_method"] = v.customer, wayAmount, "EUR", true, "automatic"
	made, err := v.ask(ctx, "/v1/intents", by)
	return made.ID, made.Mandate, err
}

func card(token string) map[string]any {
	return map[string]any{"token": token, "bin": "411111", "country": "DE"}
}

func (v *visitor) holds(ctx context.Context, amount int) error {
	return v.until(ctx, "/v1/wallets/"+v.customer, fmt.Sprintf(`"available":%d,`, amount))
}

func (v *visitor) subscribe(ctx context.Context) error {
	_, mandate, err := v.pay(ctx, map[string]any{"card": card("tok_approved"), "setup_mandate": map[string]any{"type": "recurring"}})
	if err != nil {
		return err
	}
	if err := v.until(ctx, "/v1/mandates/"+mandate, `"status":"active"`); err != nil {
		return err
	}
	if _, _, err := v.pay(ctx, map[string]any{"mandate": mandate}); err != nil {
		return err
	}
	return v.holds(ctx, 2*wayAmount)
}

func (v *visitor) dispute(ctx context.Context) error {
	if _, _, err := v.pay(ctx, map[string]any{"card": card("tok_dispute")}); err != nil {
		return err
	}
	of := "/v1/disputes?customer_id=" + v.customer
	if err := v.until(ctx, of, `"withdrawn":2000`); err != nil {
		return err
	}
	_, answer, err := v.send(ctx, http.MethodGet, of, "", nil)
	if err != nil {
		return err
	}
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Data) != 1 {
		return fmt.Errorf("GET %s: %s, should be one dispute", of, answer)
	}
	if _, err := v.ask(ctx, "/v1/disputes/"+list.Data[0].ID+"/evidence", map[string]any{"text": "delivered and signed for"}); err != nil {
		return err
	}
	if err := v.until(ctx, "/v1/disputes/"+list.Data[0].ID, `"fees_returned":`); err != nil {
		return err
	}
	return v.holds(ctx, wayAmount)
}

// attemptField is the mark that a page of a link puts into its form.
var attemptField = regexp.MustCompile(`name="attempt" value="([^"]+)"`)

func (v *visitor) followLink(ctx context.Context) error {
	link, err := v.ask(ctx, "/v1/payment-links", map[string]any{"customer_id": v.customer, "amount": wayAmount, "currency": "EUR",
		"description": "a demonstration", "expires_at": time.Now().UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)})
	if err != nil {
		return err
	}
	_, secret, _ := strings.Cut(link.URL, "/pay/")
	_, page, err := v.send(ctx, http.MethodGet, "/pay/"+secret, "", nil)
	if err != nil {
		return err
	}
	if form := attemptField.FindSubmatch(page); form != nil { // else it was paid by a demo before, on the same database
		body := url.Values{"attempt": {string(form[1])}, "method": {"0"}}.Encode()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/pay/"+secret, strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := v.http.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
	}
	if err := v.until(ctx, "/v1/payment-links/"+link.ID, `"status":"paid"`); err != nil {
		return err
	}
	return v.holds(ctx, wayAmount)
}

func (v *visitor) scan(ctx context.Context) error {
	id, _, err := v.pay(ctx, map[string]any{"payment_method": map[string]any{"type": "qr", "name": "paid"}})
	if err != nil {
		return err
	}
	if err := v.until(ctx, "/v1/intents/"+id, `"status":"captured"`); err != nil {
		return err
	}
	return v.holds(ctx, wayAmount)
}

func (r *report) gone() int {
	gone := 0
	for _, right := range r.ways {
		if right {
			gone++
		}
	}
	return gone
}

func (r *report) waysToPay(_ context.Context, out io.Writer) error {
	for i, w := range ways {
		if r.ways[i] {
			fmt.Fprintf(out, "  1\t %s: %s\n", w.name, w.does)
		}
	}
	return nil
}
