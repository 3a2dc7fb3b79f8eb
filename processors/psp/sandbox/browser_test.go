package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

const browserWithin = 2 * time.Minute // on a busy machine; about three seconds on an idle one

// browser starts Chromium without a window, or leaves the test out where there is none, except in continuous integration.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	switch {
	case path != "":
	case os.Getenv("CI") == "true":
		t.Fatal("chromium is not installed, and this test needs it")
	default:
		t.Skip("LEFT OUT: the pages in a browser, which need chromium on PATH")
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserWithin)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox) // root, as in containers, has no sandbox; the pages are ours
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// visitor is someone who reads the pages and presses their buttons.
type visitor struct {
	t   *testing.T
	ctx context.Context
}

func (v visitor) open(address string) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Navigate(address)); err != nil {
		v.t.Fatalf("%s: %v", address, err)
	}
}

func (v visitor) fill(field, value string) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.SetValue(chromedp.CSS("input[name="+field+"]"), value)); err != nil {
		v.t.Fatalf("%s: %v", field, err)
	}
}

// press clicks and waits for the page that comes.
func (v visitor) press(selector string) {
	v.t.Helper()
	within, cancel := context.WithTimeout(v.ctx, browserWithin/2)
	defer cancel()
	if _, err := chromedp.RunResponse(within, chromedp.Click(chromedp.CSS(selector))); err != nil {
		v.t.Fatalf("%s: %v", selector, err)
	}
}

func (v visitor) text(selector string) string {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		v.t.Fatalf("%s: %v", selector, err)
	}
	return strings.TrimSpace(text)
}

// expect reads the state of an operation and the amounts of its payment off the page.
func (v visitor) expect(operation int, status, amounts string) {
	v.t.Helper()
	if got := v.text(fmt.Sprintf("#operation-%d .status", operation)); got != status {
		v.t.Errorf("operation %d is %s on the page, want %s", operation, got, status)
	}
	if got := v.text("#amounts"); got != amounts {
		v.t.Errorf("the page says %q, want %q", got, amounts)
	}
}

func button(operation int, value string) string {
	return fmt.Sprintf("#operation-%d button[value=%q]", operation, value)
}

// TestButtonsInABrowser presses them in Chromium, with the pages' own content security policy in force.
func TestButtonsInABrowser(t *testing.T) {
	v := visitor{t, browser(t)}
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret, LateDelay: time.Millisecond})
	authorize(t, s, "declined", "tok_by_hand", 1000, false)
	events := 0
	told := func(what string, n int) {
		t.Helper()
		events += n
		eventually(t, what, func() bool { return received.count() >= events && summaryOf(t, s).Owed == 0 })
		if got := received.count(); got != events {
			t.Errorf("%s: %d events came until then, want %d", what, got, events)
		}
	}

	v.open(s.URL() + "/buttons")
	v.press("tbody a")
	v.expect(0, "pending", "Authorised 0.00 EUR, captured 0.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
	v.press(button(0, "declined"))
	v.expect(0, "declined", "Authorised 0.00 EUR, captured 0.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
	told("declined", 1)

	charged := authorize(t, s, "approved", "tok_by_hand", 1000, false)
	v.open(s.URL() + "/buttons/" + charged.Authorization)
	v.press(button(0, "approved"))
	v.expect(0, "approved", "Authorised 10.00 EUR, captured 0.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
	v.fill("amount", "600")
	v.press("#capture")
	v.expect(1, "approved", "Authorised 10.00 EUR, captured 6.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
	v.press("#void")
	told("approved, captured, voided", 3)
	for n, status := range []string{"approved", "failed"} {
		v.fill("amount", "200")
		v.press("#refund")
		v.press(button(3+n, status))
		v.expect(3+n, status, "Authorised 10.00 EUR, captured 6.00 EUR, refunded 2.00 EUR, paid out 0.00 EUR.")
	}
	v.press(button(3, "reversed"))
	v.expect(3, "reversed", "Authorised 10.00 EUR, captured 6.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
	told("two refunds asked for and decided, one reversed", 5)

	for _, c := range []struct {
		kind   string
		events int
	}{{"again", 1}, {"duplicate", 2}, {"late", 1}, {"wrong amount", 1}, {"forged", 1}, {"reordered", 8}} {
		v.press(button(0, c.kind))
		told(c.kind, c.events)
	}
	received.mu.Lock()
	if len(received.errs) != 1 {
		t.Errorf("%d webhooks were not verified, want the forged one alone: %v", len(received.errs), received.errs)
	}
	received.mu.Unlock()

	for key, status := range map[string]string{"returned": "reversed", "failed": "failed"} { // after they were paid
		var op sandbox.Operation
		call(t, "POST", s.URL()+"/v1/payouts", key, payoutBody("tok_approved", 700), &op)
		v.open(s.URL() + "/buttons/" + op.Authorization)
		v.expect(0, "approved", "Authorised 0.00 EUR, captured 0.00 EUR, refunded 0.00 EUR, paid out 7.00 EUR.")
		v.press(button(0, status))
		v.expect(0, status, "Authorised 0.00 EUR, captured 0.00 EUR, refunded 0.00 EUR, paid out 0.00 EUR.")
		told(key, 1)
	}

	v.open(s.URL() + "/buttons")
	v.press("#outage-on")
	if got := v.text("#outage"); got != "Outage: 100 % of all requests" {
		t.Errorf("the page says %q of the outage", got)
	}
	if code := call(t, "POST", s.URL()+"/v1/authorizations", "out", authorization("out", "tok_approved", 1, true), nil); code != 503 {
		t.Errorf("in an outage: %d", code)
	}
	v.press("#outage-off")
	authorize(t, s, "out", "tok_approved", 1, true)
	v.fill("share", "30")
	v.fill("seed", "7")
	v.fill("forgets_keys", "5")
	if err := chromedp.Do(v.ctx, chromedp.Click(chromedp.CSS("input[value=capture]"))); err != nil {
		t.Fatal(err)
	}
	v.press("#faults button")
	var now sandbox.Faults
	call(t, "GET", s.URL()+"/v1/test/faults", "", "", &now)
	if now.Seed != 7 || now.ForgetsKeys != 5 || now.Outage.Share != 30 || len(now.Outage.Operations) != 1 || now.Outage.Operations[0] != sandbox.Capture {
		t.Errorf("faults of the form: %+v", now)
	}
	if got := v.text("#outage"); got != "Outage: 30 % of capture" {
		t.Errorf("the page says %q of the outage", got)
	}
}
