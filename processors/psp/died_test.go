package psp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/adyen"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/processors/psp/stripe"
	"github.com/weirhq/weir/topics"
)

// dying is the address of a PSP that refuses the first request of its one connection, performs the second one and dies before it
// answers.
func dying(t *testing.T, performed *atomic.Int32) string {
	const refusal = `{"code":"not_found","errorType":"validation","errorCode":"1","error":{"type":"invalid_request_error","code":"resource_missing"}}`
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		for n := 1; ; n++ {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil {
				return
			}
			if n == 2 {
				performed.Add(1)
				_ = l.Close()
				return
			}
			if _, err := fmt.Fprintf(c, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(refusal), refusal); err != nil {
				return
			}
		}
	}()
	return "http://" + l.Addr().String()
}

// TestPSPDiesWithARequest: what it has performed is unknown to us, whatever becomes of a repeat. Told as not sent, the payment would
// ask the next PSP, too, and the payout be paid again.
func TestPSPDiesWithARequest(t *testing.T) {
	sandboxed := func(url string) (psp.Adapter, error) { return psp.NewSandbox(psp.SandboxConfig{BaseURL: url}) }
	planned := func(position int) *topics.PSPRequest {
		r := planned(position)
		r.Card = &topics.Card{Token: "pm_1"}
		return r
	}
	for name, c := range map[string]struct {
		adapter func(url string) (psp.Adapter, error)
		request func(position int) *topics.PSPRequest
	}{
		"sandbox": {sandboxed, planned},
		"payout":  {sandboxed, func(position int) *topics.PSPRequest { return payoutTo(position, "tok_approved") }},
		"adyen": {func(url string) (psp.Adapter, error) {
			return adyen.New(adyen.Config{Name: psp.SandboxName, BaseURL: url, Key: "k", MerchantAccount: "m"})
		}, planned},
		"stripe": {func(url string) (psp.Adapter, error) {
			return stripe.New(stripe.Config{Name: psp.SandboxName, BaseURL: url, Key: "k", Timeout: psp.DefaultTimeout})
		}, planned},
	} {
		t.Run(name, func(t *testing.T) {
			var performed atomic.Int32
			a, err := c.adapter(dying(t, &performed))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, sandbox.Config{})
			w.run(t, func(c *psp.Config) {
				c.Attempts = psp.NewStoredAttempts(databasetest.New(t))
				c.Adapters, c.Concurrency = []psp.Adapter{a}, 1
			})
			r := c.request(2)
			r.NotAfter = time.Now().Add(3 * time.Second)
			w.ask(t, 1, c.request(1), r)
			got := w.wait(t, 2)[1]
			if performed.Load() != 1 || got.RequestID != r.RequestID || got.Outcome != topics.PSPUnknown {
				t.Errorf("performed %d times, and reported %+v", performed.Load(), got)
			}
		})
	}
}
