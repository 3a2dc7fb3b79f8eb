package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
)

// apiConnections is how many requests of the API measurement may be under way.
const apiConnections = 256

// api measures create-and-authorize over HTTP at a fixed rate of arrivals, with everything but the load in one process, as
// "weir run" has it. The sandbox answers at once, so that the time is the engine's own. A request is timed from the moment
// at which it was due, so that one that had to wait for others counts its waiting.
func (b *bench) api(ctx context.Context) error {
	p, err := b.embedded(ctx, filepath.Join(b.dir, "all"), "risk,velocity,payments,psp,webhooks,statements,api,sandbox")
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = apiConnections, apiConnections
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	if _, err := b.arrivals(ctx, client, p.url, warmUp); err != nil {
		return errors.Join(err, p.stop())
	}
	times, err := b.arrivals(ctx, client, p.url, b.For)
	if err != nil {
		return errors.Join(err, p.stop())
	}
	slices.Sort(times)
	at := func(thousandths int) int64 {
		return times[min(len(times)-1, len(times)*thousandths/1000)].Microseconds()
	}
	b.figure(fmt.Sprintf("API create and authorize at %d/s, p50", b.Rate), "µs", "≤ 15000", at(500))
	b.figure(fmt.Sprintf("API create and authorize at %d/s, p99", b.Rate), "µs", "≤ 60000", at(990))
	return p.stop()
}

// arrivals sends requests at moments fixed beforehand, whether or not those before them were answered.
func (b *bench) arrivals(ctx context.Context, client *http.Client, url string, duration time.Duration) ([]time.Duration, error) {
	times := make([]time.Duration, int(duration.Seconds()*float64(b.Rate)))
	errs := make([]error, len(times))
	var group sync.WaitGroup
	for i, due := range schedule(ctx, b.Rate, len(times)) {
		group.Go(func() {
			errs[i] = create(ctx, client, url)
			times[i] = time.Since(due)
		})
	}
	group.Wait()
	return times, errors.Join(append(errs, ctx.Err())...)
}

func create(ctx context.Context, client *http.Client, url string) error {
	key, err := uuid.NewV7()
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"customer_id":"cus_%d","amount":1050,"currency":"EUR","authorize":true,"capture_method":"automatic",
		"card":{"token":"tok_approved","bin":"411111","country":"DE"},"context":{"device_id":"dev_1","country":"DE"}}`, key[15])
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/intents", bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key.String())
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("create: %d %s", response.StatusCode, answer)
	}
	return err
}
