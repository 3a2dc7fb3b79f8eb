package api

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkCreateAndAuthorize sends 500 requests in each second, whatever becomes of those before, to an API with the
// payments fold behind it and a PSP that answers at once. p50 and p99 are in milliseconds, errors in requests.
func BenchmarkCreateAndAuthorize(b *testing.B) {
	const rate = 500
	f := newFixture(b, func(c *Config) { c.Log = slog.New(slog.DiscardHandler) }).ready(b)
	f.withEngine(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	send := func(i int) bool {
		body := strings.Replace(authorize("tok_approved", ""), "c1", fmt.Sprint("c", i%1000), 1)
		request, err := http.NewRequest("POST", f.url+"/v1/intents", strings.NewReader(body))
		if err != nil {
			b.Error(err)
			return false
		}
		request.Header = http.Header{"Authorization": {"Bearer " + testSecret}, "Content-Type": {"application/json"},
			"Idempotency-Key": {fmt.Sprint("bench-", i)}}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err == nil && response.StatusCode == 201
	}
	for i := range 50 {
		send(-i - 1)
	}
	took, failed := make([]time.Duration, b.N), make([]bool, b.N)
	var wg sync.WaitGroup
	ticker := time.NewTicker(time.Second / rate)
	defer ticker.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-ticker.C
		wg.Go(func() {
			began := time.Now()
			failed[i] = !send(i)
			took[i] = time.Since(began)
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	errors := 0
	for _, f := range failed {
		if f {
			errors++
		}
	}
	b.ReportMetric(float64(took[b.N/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(errors), "errors")
}
