package stripe_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/psptest"
	"github.com/weirhq/weir/processors/psp/stripe"
	"github.com/weirhq/weir/topics"
)

func adapter(t *testing.T, url string) psp.Adapter {
	t.Helper()
	a, err := stripeAt(url, "sk_test_1")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// majorUnits reads an amount as Stripe's list of currencies does.
func majorUnits(amount int64, currency string) string {
	switch currency {
	case "jpy":
		return fmt.Sprintf("%d JPY", amount)
	case "kwd", "bhd":
		return fmt.Sprintf("%d.%03d %s", amount/1000, amount%1000, map[string]string{"kwd": "KWD", "bhd": "BHD"}[currency])
	case "isk":
		return fmt.Sprintf("%d ISK", amount/100)
	}
	return fmt.Sprintf("%d.%02d EUR", amount/100, amount%100)
}

func TestConforms(t *testing.T) {
	p := newPeer(t)
	psptest.Run(t, psptest.Harness{
		Adapter: adapter(t, p.URL), At: adapter, HidesCAVV: true,
		Cards: psptest.Cards{
			Approved: "pm_approved", Declined: "pm_soft", HardDeclined: "pm_hard", Challenge: "pm_challenge", Unavailable: "pm_rate_limited",
			LostBefore: "pm_lost_before", LostAfter: "pm_lost_after",
		},
		OverCapture: &psptest.OverCapture{Card: "pm_over_capture", Refused: "pm_approved"},
		Statement: func(t *testing.T, payment string) string {
			return p.of(t, payment)["statement_descriptor_suffix"].(string)
		},
		Charges: func(_ *testing.T, payment string) int {
			p.mu.Lock()
			defer p.mu.Unlock()
			n := 0
			for _, i := range p.intents {
				if (*i)["metadata"].(map[string]string)["weir_payment"] == payment {
					n++
				}
			}
			return n
		},
		Charged: func(t *testing.T, payment string) string {
			i := p.of(t, payment)
			return majorUnits(i["amount_capturable"].(int64), i["currency"].(string))
		},
		Pass: func(_ *testing.T, _ *topics.PSPRequest, asked topics.PSPReport, result string) string {
			p.pass(asked.PSPReference, result)
			return ""
		},
		Event: func(t *testing.T, r *topics.PSPRequest) []byte {
			return event(t, "payment_intent.amount_capturable_updated", p.of(t, r.PaymentID))
		},
		Odd: event(t, "radar.early_fraud_warning.created", object{"id": "issfr_1", "object": "radar.early_fraud_warning"}),
	})
}

func stripeAt(url, key string) (psp.Adapter, error) {
	return stripe.New(stripe.Config{Name: "stripe", BaseURL: url, Key: key, OverCapture: true, Timeout: time.Second})
}
