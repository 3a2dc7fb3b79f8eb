package engine_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
)

// attemptField is the mark that a page puts into its form.
var attemptField = regexp.MustCompile(`name="attempt" value="([^"]+)"`)

// browser is a payer's: it stores nothing and follows redirects, as a page's form makes it.
type browser struct{ *testing.T }

func (b browser) get(address string) (status int, body string, h http.Header) {
	b.Helper()
	r, err := http.Get(address)
	return b.read(r, err)
}

// pay sends the form that a page of the link held.
func (b browser) pay(address, page, method string) (status int, body string, h http.Header) {
	b.Helper()
	found := attemptField.FindStringSubmatch(page)
	if found == nil {
		b.Errorf("the page has no form:\n%s", page)
		return 0, "", http.Header{}
	}
	r, err := http.PostForm(address, url.Values{"attempt": {found[1]}, "method": {method}})
	return b.read(r, err)
}

func (b browser) read(r *http.Response, err error) (int, string, http.Header) {
	b.Helper()
	if err != nil {
		b.Error(err)
		return 0, "", http.Header{}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.Error(err)
	}
	r.Header.Set("At", r.Request.URL.String())
	return r.StatusCode, string(body), r.Header
}

// until loads a page again until it says so: a machine that is busy may be slower than the page waits.
func (b browser) until(address, says string) {
	b.Helper()
	page := ""
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-tick.C {
		if _, page, _ = b.get(address); strings.Contains(page, says) {
			return
		}
	}
	b.Fatalf("%s never says %q:\n%s", address, says, page)
}

// TestPaymentLinksInTheBrowser pays by links as payers do: by forms, twice, at once, with a card that is declined, on a page that
// is paid or cancelled, and under an address that is a guess.
func TestPaymentLinksInTheBrowser(t *testing.T) {
	cfg := load(t)
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000 // who waits asks again and again
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	b := browser{t}
	type link struct{ ID, URL, Status string }
	made := func(key string) (l link, answer []byte) {
		t.Helper()
		status, answer := post(t, e.URL+"/v1/payment-links", key, `{"customer_id":"`+key+`","amount":1050,"currency":"EUR","description":"Shoes & <socks>",
			"expires_at":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","return_url":"https://shop.example/thanks"}`)
		if err := json.Unmarshal(answer, &l); status != http.StatusCreated || err != nil || l.URL == "" {
			t.Fatalf("make a link: %d %s %v", status, answer, err)
		}
		_, secret, _ := strings.Cut(l.URL, "/pay/")
		return link{l.ID, e.URL + "/pay/" + secret, l.Status}, answer
	}

	paid, answer := made("anna")
	stored := ""
	if err := e.Database.Pool.QueryRow(t.Context(), `SELECT string_agg(coalesce(convert_from(body, 'UTF8'), ''), ' ') FROM idempotency_keys`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stored, "/pay/") {
		t.Errorf("the secret of an address is stored: %s", stored)
	}
	status, page, header := b.get(paid.URL)
	if status != http.StatusOK || !strings.Contains(page, "10.50 EUR") || !strings.Contains(page, "Shoes &amp; &lt;socks&gt;") || strings.Contains(page, "<script") {
		t.Fatalf("the page: %d\n%s", status, page)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"} {
		if got := header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	_, other, _ := b.get(paid.URL) // another browser: another form

	// A double click, and the other browser, at the same moment: one payment begins.
	outcomes := [3]int{}
	var group sync.WaitGroup
	for i, held := range []string{page, page, other} {
		group.Go(func() { outcomes[i], _, _ = b.pay(paid.URL, held, "0") })
	}
	group.Wait()
	slices.Sort(outcomes[:])
	if outcomes != [3]int{http.StatusOK, http.StatusOK, http.StatusConflict} && outcomes != [3]int{http.StatusOK, http.StatusConflict, http.StatusConflict} {
		t.Errorf("a double click and another browser are answered with %v", outcomes)
	}
	until(t, e.URL+"/v1/payment-links/"+paid.ID, `"status":"paid"`)
	if status, page, _ = b.get(paid.URL); status != http.StatusOK || attemptField.MatchString(page) || !strings.Contains(page, "https://shop.example/thanks") {
		t.Errorf("the page of what is paid: %d\n%s", status, page)
	}
	if status, page, _ = b.pay(paid.URL, other, "0"); status != http.StatusConflict && !strings.Contains(page, "paid") {
		t.Errorf("an old form of what is paid: %d\n%s", status, page)
	}
	captured := 0
	if err := e.Database.Pool.QueryRow(t.Context(), `SELECT count(*) FROM payments WHERE customer = 'anna' AND status = 'captured'`).Scan(&captured); err != nil || captured != 1 {
		t.Errorf("%d payments are captured (%v), want one", captured, err)
	}

	// Declined, and then paid by the same page.
	declined, _ := made("bert")
	_, page, _ = b.get(declined.URL)
	_, _, header = b.pay(declined.URL, page, "1")
	b.until(header.Get("At"), "did not succeed")
	until(t, e.URL+"/v1/payment-links/"+declined.ID, `"reserved":0`)

	// The PSP sends the payer back to a page of this payment, which begins none and does not know the link's address.
	sent, err := view.GetLink(t.Context(), e.Database.Pool, "", declined.ID)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := view.Get(t.Context(), e.Database.Pool, sent.Tenant, sent.LatestPayment)
	if err != nil {
		t.Fatal(err)
	}
	_, returned, _ := strings.Cut(begun.ReturnURL, "/pay/")
	token := declined.URL[strings.LastIndexByte(declined.URL, '.')+1:]
	status, page, _ = b.get(e.URL + "/pay/" + returned)
	if status != http.StatusOK || !strings.Contains(page, "did not succeed") || strings.Contains(page, token) || strings.Contains(begun.ReturnURL, token) {
		t.Errorf("%s: %d\n%s", begun.ReturnURL, status, page)
	}
	_, page, _ = b.get(declined.URL)
	_, _, header = b.pay(declined.URL, page, "0")
	b.until(header.Get("At"), "<dd>paid</dd>")
	until(t, e.URL+"/v1/payment-links/"+declined.ID, `"status":"paid"`)

	// Cancelled, guessed, forged.
	cancelled, _ := made("cleo")
	_, page, _ = b.get(cancelled.URL)
	if status, answer := post(t, e.URL+"/v1/payment-links/"+cancelled.ID+"/cancel", "cancel", `{"reason":"twice"}`); status != http.StatusOK || !strings.Contains(string(answer), `"cancelled"`) {
		t.Errorf("cancel: %d %s", status, answer)
	}
	if status, _, _ = b.pay(cancelled.URL, page, "0"); status != http.StatusConflict {
		t.Errorf("a form of a link that was cancelled since: %d, want 409", status)
	}
	if status, _, _ = b.get(cancelled.URL[:len(cancelled.URL)-1] + "_"); status != http.StatusNotFound {
		t.Errorf("a wrong secret: %d, want 404", status)
	}
	if status, _, _ = b.pay(declined.URL, page, "0"); status != http.StatusBadRequest {
		t.Errorf("a form of another link: %d, want 400", status)
	}

	if _, again := post(t, e.URL+"/v1/payment-links", "anna", `{"customer_id":"anna","amount":1,"currency":"EUR","description":"other","expires_at":"2030-01-01T00:00:00Z"}`); !strings.Contains(string(again), "idempotency_mismatch") {
		t.Errorf("another link with the key of the first: %s, which was answered with %s", again, answer)
	}
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %s", strings.Join(found, "\n"))
	}
}
