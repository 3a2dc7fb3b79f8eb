package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/weirhq/weir/processors/psp/webhook"
)

// Limits that are not configured.
const (
	MaxBody         = 64 << 10         // bytes of a request's body
	MaxEvents       = 16               // webhook events of one operation
	MaxOperations   = 1000             // operations on one authorization
	MaxDelivering   = 16               // webhooks under way at a time
	MaxDeliveries   = 20               // attempts to deliver one event, then it is given up
	MaxRetryDelay   = 30 * time.Second // between two attempts to deliver
	DeliveryTimeout = 10 * time.Second // of one attempt
)

// Config of a sandbox. Zero values take the defaults named.
type Config struct {
	// Addr is the address to listen on, "127.0.0.1:0" by default.
	Addr string
	// BaseURL is where customers reach the challenge page; the listening address by default.
	BaseURL string
	// APIKey is the bearer token that callers must show; "" admits everyone.
	APIKey string
	// WebhookURL receives the events. Without it they are settled but delivered to nobody.
	WebhookURL string
	// WebhookSecret signs the events (base64, at least 24 bytes); required with WebhookURL.
	WebhookSecret string
	// WebhookAlways sends an event for every operation, not only for those whose token asks for one.
	WebhookAlways bool
	// DataDir keeps the state over restarts; "" keeps it in memory.
	DataDir string
	// MaxPayments bounds the authorizations in memory, 200,000 by default. Above it the oldest settled ones are
	// forgotten, with their idempotency keys.
	MaxPayments int

	// Latency is how long every answer takes, SlowLatency how long tok_slow takes (2 s by default), and Hang how long
	// a timeout token keeps the connection (1 min by default).
	Latency, SlowLatency, Hang time.Duration
	// SettleDelay is when a pending operation settles (1 s by default); LateDelay when a late webhook is sent (5 s by
	// default); RetryDelay is the first pause before a webhook is sent again, and doubles (500 ms by default).
	SettleDelay, LateDelay, RetryDelay time.Duration
	// EvidenceWithin is how long a dispute takes evidence, 7 days by default.
	EvidenceWithin time.Duration

	// FeeBasisPoints and FeeFixed (minor units) are kept of each capture: 140 (1.4 %) and 25 where both are zero.
	FeeBasisPoints, FeeFixed int64

	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.MaxPayments == 0 {
		c.MaxPayments = 200_000
	}
	for _, d := range []struct {
		value   *time.Duration
		without time.Duration
	}{
		{&c.SlowLatency, 2 * time.Second}, {&c.Hang, time.Minute}, {&c.SettleDelay, time.Second},
		{&c.LateDelay, 5 * time.Second}, {&c.RetryDelay, 500 * time.Millisecond}, {&c.EvidenceWithin, 7 * 24 * time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.without
		}
	}
	if c.FeeBasisPoints == 0 && c.FeeFixed == 0 {
		c.FeeBasisPoints, c.FeeFixed = 140, 25
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate names the first field that is wrong.
func (c Config) Validate() error {
	if c.WebhookURL != "" {
		if u, err := url.Parse(c.WebhookURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("sandbox: webhook URL %q: want http://host/path", c.WebhookURL)
		}
		if _, err := webhook.NewStandard(c.WebhookSecret); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	if c.FeeBasisPoints < 0 || c.FeeBasisPoints > 10_000 || c.FeeFixed < 0 {
		return errors.New("sandbox: fee: want 0 to 10000 basis points and a fixed part of 0 or more")
	}
	if c.MaxPayments < 0 {
		return errors.New("sandbox: max payments: want a positive number")
	}
	for name, d := range map[string]time.Duration{
		"latency": c.Latency, "slow latency": c.SlowLatency, "hang": c.Hang, "settle delay": c.SettleDelay,
		"late delay": c.LateDelay, "retry delay": c.RetryDelay, "evidence within": c.EvidenceWithin,
	} {
		if d < 0 {
			return fmt.Errorf("sandbox: %s: want a duration of 0 or more", name)
		}
	}
	return nil
}
