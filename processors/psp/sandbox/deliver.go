package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/segmentio/encoding/json"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// deliverer sends the events to the webhook URL until each is answered by a 2xx.
type deliverer struct {
	*book
	baseURL string
	signer  *standardwebhooks.Webhook
	forger  *standardwebhooks.Webhook // has a key that the receiver does not know
	client  *http.Client
	slots   chan struct{} // one for each delivery under way
}

func newDeliverer(b *book, baseURL string) (*deliverer, error) {
	d := &deliverer{
		book: b, baseURL: baseURL, slots: make(chan struct{}, MaxDelivering),
		client: &http.Client{
			Timeout:   DeliveryTimeout,
			Transport: &http.Transport{MaxIdleConnsPerHost: MaxDelivering, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // a webhook is not carried elsewhere
			},
		},
	}
	if b.cfg.WebhookURL == "" {
		return d, nil
	}
	signer, err := standardwebhooks.NewWebhook(b.cfg.WebhookSecret)
	if err != nil {
		return nil, fmt.Errorf("sandbox: webhook secret: %w", err)
	}
	d.signer = signer
	if d.forger, err = standardwebhooks.NewWebhookRaw([]byte("a key that no receiver was ever given")); err != nil {
		return nil, fmt.Errorf("sandbox: key of forged webhooks: %w", err)
	}
	return d, nil
}

// run settles and delivers until ctx ends, and returns when no delivery is under way.
func (d *deliverer) run(ctx context.Context) {
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		d.keep(ctx, d.settlements, d.settleItem)
	}()
	if d.signer != nil { // without an address, what the journal says is owed stays so until there is one again
		d.keep(ctx, d.deliveries, func(s slot) {
			select {
			case d.slots <- struct{}{}:
			case <-ctx.Done():
				return // owed still: the journal knows
			}
			go func() {
				defer func() { <-d.slots }()
				d.deliver(ctx, s)
			}()
		})
	}
	<-settled
	for range MaxDelivering {
		d.slots <- struct{}{}
	}
	d.client.CloseIdleConnections()
}

// settleItem turns a pending operation into what it settles to. A crash before the journal's line leaves it pending,
// and the next start settles it.
func (d *deliverer) settleItem(s slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settlements.done(s)
	p, _ := d.find(s.key)
	if p == nil {
		return
	}
	p = p.clone()
	op := p.operation(s.key)
	if op.SettlesTo == "" {
		return
	}
	now := time.Now()
	err := error(nil)
	if p.twice(op) { // a crash before the next line pays it again: under the same id, so that it is one
		err = d.put(d.performer.again(p, op, now))
		op.Step++
		op.SettlesTo, op.SettlesAt = "", time.Time{}
	} else {
		d.settle(p, op, now)
	}
	if err == nil {
		err = d.put(p)
	}
	if err != nil {
		d.cfg.Log.Error("sandbox: operation stays pending", "request_id", s.key, "error", err)
		d.settlements.put(s, now.Add(d.cfg.RetryDelay))
	}
}

// deliver makes one attempt. A crash after the receiver's 2xx and before the journal's line delivers the event again,
// with the same id.
func (d *deliverer) deliver(ctx context.Context, s slot) {
	p, op := d.begin(s)
	if p == nil {
		return
	}
	e := op.Events[s.event]
	err := d.send(ctx, &e, p.event(op, &e, d.baseURL))
	if ctx.Err() != nil {
		return
	}
	d.record(s, err)
}

// begin returns what is to be delivered; nil where nothing is, now.
func (d *deliverer) begin(s slot) (*payment, *operation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, op := d.find(s.key)
	if p == nil || op.Events[s.event].Left == 0 {
		d.deliveries.done(s)
		return nil, nil
	}
	if p.waits(&op.Events[s.event]) {
		d.deliveries.done(s)
		d.deliveries.put(s, time.Now().Add(reorderGap))
		return nil, nil
	}
	return p, op
}

// record notes the result of an attempt. What was triggered meanwhile stays owed.
func (d *deliverer) record(s slot, failure error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deliveries.done(s)
	p, _ := d.find(s.key)
	if p == nil {
		return
	}
	p = p.clone()
	e := &p.operation(s.key).Events[s.event]
	now := time.Now()
	e.Tries++
	switch {
	case failure == nil || e.Forged:
		e.Left--
		e.Tries, e.Due = 0, later(e.Due, now)
	case e.Tries >= MaxDeliveries:
		e.Left = 0
		d.cfg.Log.Error("sandbox: webhook given up", "event", e.ID, "attempts", e.Tries, "error", failure)
	default:
		delay := min(d.cfg.RetryDelay<<min(e.Tries-1, 16), MaxRetryDelay)
		e.Due = later(e.Due, now.Add(delay))
		d.cfg.Log.Debug("sandbox: webhook is sent again", "event", e.ID, "attempt", e.Tries, "in", delay, "error", failure)
	}
	if err := d.put(p); err != nil {
		d.cfg.Log.Error("sandbox: delivery is not recorded", "event", e.ID, "error", err)
		d.deliveries.put(s, now.Add(d.cfg.RetryDelay))
	}
}

// later keeps the time of a trigger that wants to wait and came while a delivery was under way.
func later(due, next time.Time) time.Time {
	if due.After(next) {
		return due
	}
	return next
}

// event renders the body of a webhook: the same bytes at each attempt.
func (p *payment) event(op *operation, e *event, baseURL string) Event {
	data := p.show(op, e.Status, baseURL)
	data.Amount = e.Amount
	if data.Confirmations != nil {
		data.Confirmations.Have = e.Have
	}
	if e.Reference != "" {
		data.MerchantReference, data.RequestID = e.Reference, ""
	}
	return Event{ID: e.ID, Type: e.Type, CreatedAt: op.CreatedAt, Data: data}
}

func (d *deliverer) send(ctx context.Context, e *event, body Event) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	now := time.Now()
	signer := d.signer
	if e.Forged {
		signer = d.forger
	}
	signature, err := signer.Sign(e.ID, now, payload)
	if err != nil {
		return fmt.Errorf("signing the event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.cfg.WebhookURL, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, e.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, MaxBody)); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", d.cfg.WebhookURL, res.Status)
	}
	return nil
}
