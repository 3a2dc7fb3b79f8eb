package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	webhookSecret      = "whsec_YmVuY2gtc2VjcmV0LWZvci1tZWFzdXJlbWVudHM="
	webhookConnections = 64
	webhookRate        = 1000 // a second, of the latencies
)

// webhooks measures how fast deliveries are verified and durable, which is when the PSP gets its 2xx: as many as go through
// a number of connections, then at a fixed rate of arrivals. They are of a kind of event that nobody knows, so that nothing
// follows but a dead letter.
func (b *bench) webhooks(ctx context.Context) error {
	p, err := b.start(ctx, "api,webhooks", "--set", "psp.sandbox.webhook.secret="+webhookSecret)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = webhookConnections, webhookConnections
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	rate, err := webhooksAtOnce(ctx, client, p.url+"/webhooks/sandbox", min(sample, b.For))
	if err != nil {
		return errors.Join(err, p.stop())
	}
	b.figure("webhooks, verified and durable", "/s", "≥ 5000", rate)
	var p50, p99 [2]int64
	for i, send := range []func(int64) error{
		func(n int64) error { return deliver(ctx, client, p.url+"/webhooks/sandbox", -n-1) },
		func(int64) error { return nothing(ctx, client, p.url+"/healthz") },
	} {
		times, err := atWebhookRate(ctx, min(sample, b.For), send)
		if err != nil {
			return errors.Join(err, p.stop())
		}
		slices.Sort(times)
		p50[i], p99[i] = times[len(times)/2].Microseconds(), times[len(times)*99/100].Microseconds()
	}
	at := fmt.Sprintf("webhook at %d/s", webhookRate)
	b.figure(at+" until its 2xx, p50", "µs", "", p50[0])
	b.figure(at+" until its 2xx, p99", "µs", "", p99[0])
	b.figure(at+", added to a request that does nothing, p50", "µs", "", p50[0]-p50[1])
	b.figure(at+", added to a request that does nothing, p99", "µs", "≤ 5000", p99[0]-p99[1])
	return p.stop()
}

// webhooksAtOnce sends on every connection as fast as it goes and returns the rate.
func webhooksAtOnce(ctx context.Context, client *http.Client, url string, duration time.Duration) (int64, error) {
	var sent, number atomic.Int64
	errs := make([]error, webhookConnections)
	var group sync.WaitGroup
	began := time.Now()
	for i := range webhookConnections {
		group.Go(func() {
			for errs[i] == nil && time.Since(began) < duration && ctx.Err() == nil {
				if errs[i] = deliver(ctx, client, url, number.Add(1)); errs[i] == nil {
					sent.Add(1)
				}
			}
		})
	}
	group.Wait()
	return sent.Load() * int64(time.Second) / int64(time.Since(began)), errors.Join(append(errs, ctx.Err())...)
}

// atWebhookRate sends at moments fixed beforehand and times each from when it was due.
func atWebhookRate(ctx context.Context, duration time.Duration, send func(n int64) error) ([]time.Duration, error) {
	times := make([]time.Duration, int(duration.Seconds()*webhookRate))
	errs := make([]error, len(times))
	var group sync.WaitGroup
	for i, due := range schedule(ctx, webhookRate, len(times)) {
		group.Go(func() {
			errs[i] = send(int64(i))
			times[i] = time.Since(due)
		})
	}
	group.Wait()
	return times, errors.Join(append(errs, ctx.Err())...)
}

// nothing asks for what takes no work.
func nothing(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// deliver signs a webhook of a usual size and sends it.
func deliver(ctx context.Context, client *http.Client, url string, number int64) error {
	signer, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		return err
	}
	id, now := "ev_"+strconv.FormatInt(number, 10), time.Now()
	body := fmt.Appendf(nil, `{"id":%q,"type":"balance.changed","data":{"note":%q}}`, id, bytes.Repeat([]byte("x"), 600))
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	request.Header.Set("webhook-signature", signature)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("webhook: %d %s", response.StatusCode, answer)
	}
	return err
}
