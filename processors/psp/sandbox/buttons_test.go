package sandbox_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

// press posts a form as a browser does that shows a page of the origin; it follows the redirect.
func press(t *testing.T, s *sandbox.Server, path, origin string, form url.Values) (page string, status int) {
	t.Helper()
	req, err := http.NewRequest("POST", s.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin)
	return fetch(t, req)
}

func fetch(t *testing.T, req *http.Request) (page string, status int) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), res.StatusCode
}

func get(t *testing.T, address string) (page string, status int) {
	t.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fetch(t, req)
}

// A page of another site can make the browser of somebody who is let in post here; it changes nothing.
func TestOtherSitesPressNoButton(t *testing.T) {
	s := start(t, sandbox.Config{})
	op := authorize(t, s, "a", "tok_by_hand", 1000, true)
	body := url.Values{"do": {"settle"}, "operation": {"0"}, "status": {"approved"}}
	for path, form := range map[string]url.Values{"/buttons/" + op.Authorization: body, "/buttons/faults": {"share": {"100"}}} {
		if _, status := press(t, s, path, "https://evil.example", form); status != 403 {
			t.Errorf("%s from another site: %d, want 403", path, status)
		}
	}
	for _, path := range []string{"/v1/test/faults", "/v1/test/settle", "/v1/test/trigger", "/v1/payouts"} {
		req, err := http.NewRequest("POST", s.URL()+path, strings.NewReader(`{"request_id":"a","status":"approved"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if _, status := fetch(t, req); status != 403 {
			t.Errorf("%s from another site: %d, want 403", path, status)
		}
	}
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 0 {
		t.Errorf("another site approved it: %+v", sum)
	}
	if _, status := press(t, s, "/buttons/"+op.Authorization, s.URL(), body); status != 200 {
		t.Errorf("from the page itself: %d", status)
	}
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 1000 {
		t.Errorf("the page's own button did nothing: %+v", sum)
	}
}

func TestPagesWantTheKey(t *testing.T) {
	s := start(t, sandbox.Config{APIKey: "sk_test"})
	for _, path := range []string{"/buttons", "/buttons/auth_1", "/v1/reports/settlement?date=2026-01-31"} {
		req, err := http.NewRequest("GET", s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, status := fetch(t, req); status != 401 {
			t.Errorf("%s without the key: %d", path, status)
		}
		req.SetBasicAuth("anyone", "sk_wrong")
		if _, status := fetch(t, req); status != 401 {
			t.Errorf("%s with a wrong key: %d", path, status)
		}
		req.SetBasicAuth("anyone", "sk_test")
		if _, status := fetch(t, req); status != 200 && path != "/buttons/auth_1" || status == 401 {
			t.Errorf("%s with the key: %d", path, status)
		}
	}
}

// What a merchant sends is text on the page, and the list finds it.
func TestPageEscapes(t *testing.T) {
	s := start(t, sandbox.Config{})
	const reference = `<script>alert("x")</script>`
	call(t, "POST", s.URL()+"/v1/payouts", `"><script>`, strings.Replace(payoutBody("tok_approved", 600), `"po-tok_approved"`, `"<script>alert(\"x\")</script>"`, 1), nil)
	authorize(t, s, "other", "tok_approved", 1000, true)
	page, status := get(t, s.URL()+"/buttons?reference="+url.QueryEscape(reference))
	if status != 200 || strings.Contains(page, "<script>") || !strings.Contains(page, "&lt;script&gt;") || strings.Contains(page, "ref-other") {
		t.Errorf("%d %s", status, page)
	}
	if page, _ := get(t, s.URL()+"/buttons"); strings.Index(page, "ref-other") > strings.Index(page, "po_") {
		t.Errorf("the newest is not the first:\n%s", page)
	}
}

func TestPressedTwiceIsPerformedOnce(t *testing.T) {
	received, to := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: to, WebhookSecret: secret})
	op := authorize(t, s, "a", "tok_approved", 1000, false)
	form := url.Values{"do": {"capture"}, "after": {"1"}, "amount": {"400"}}
	for range 2 {
		if page, status := press(t, s, "/buttons/"+op.Authorization, s.URL(), form); status != 200 || !strings.Contains(page, "captured 4.00 EUR") {
			t.Errorf("%d %s", status, page)
		}
	}
	eventually(t, "the webhook", func() bool { return received.count() == 1 })
	received.mu.Lock()
	if body := string(received.bodies[0]); !strings.Contains(body, `"request_id":""`) || !strings.Contains(body, `"id":"hand_`) {
		t.Errorf("the webhook of what nobody asked for: %s", body)
	}
	received.mu.Unlock()
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 400 || sum.Statuses["capture.approved"] != 1 {
		t.Errorf("summary %+v", sum)
	}
}

func TestWrongForms(t *testing.T) {
	_, to := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: to, WebhookSecret: secret})
	op := authorize(t, s, "a", "tok_approved", 1000, false)
	own := "/buttons/" + op.Authorization
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{own, url.Values{"do": {"settle"}, "operation": {"0"}, "status": {"declined"}}, "the authorize is approved"},
		{own, url.Values{"do": {"settle"}, "operation": {"1"}, "status": {"declined"}}, "the payment has 1"},
		{own, url.Values{"do": {"settle"}, "operation": {"-1"}}, "the payment has 1"},
		{own, url.Values{"do": {"webhook"}, "operation": {"0"}, "kind": {"odd"}}, "want one of"},
		{own, url.Values{"do": {"burn"}, "operation": {"0"}}, "want settle"},
		{own, url.Values{"do": {"capture"}, "after": {"1"}, "amount": {"1.5"}}, "whole number of minor units"},
		{own, url.Values{"do": {"capture"}, "after": {"1"}, "amount": {"1001"}}, "only 1000 are left"},
		{"/buttons/faults", url.Values{"share": {"all"}}, "want 0 to 100"},
		{"/buttons/faults", url.Values{"share": {"101"}}, "want 0 to 100"},
		{"/buttons/faults", url.Values{"seed": {"-1"}}, "seed"},
		{"/buttons/faults", url.Values{"operation": {"burn"}}, "want some of"},
	} {
		if page, status := press(t, s, c.path, s.URL(), c.form); status != 422 || !strings.Contains(page, c.want) {
			t.Errorf("%v: %d, want 422 and %q in\n%s", c.form, status, c.want, page)
		}
	}
	for _, path := range []string{"/buttons/auth_none", "/buttons/"} {
		if _, status := get(t, s.URL()+path); status != 404 {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
	if _, status := press(t, s, "/buttons/auth_none", s.URL(), url.Values{"do": {"void"}}); status != 404 {
		t.Errorf("a payment that nobody has: %d", status)
	}
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 0 || sum.Owed != 0 {
		t.Errorf("summary %+v", sum)
	}
}
