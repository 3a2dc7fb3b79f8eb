package engine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
)

// TestDisputesOverHTTP takes disputes through the sandbox, its webhooks, the fold, and answers through the gateway: what the PSP
// takes and gives back is the customer's, and the books agree.
func TestDisputesOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000 // who waits asks again and again
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))

	for _, token := range []string{"tok_dispute", "tok_dispute_shuffled", "tok_dispute_lost", "tok_dispute_inquiry"} {
		deposit(t, e, token, token)
	}
	won := disputed(t, e, "tok_dispute")
	until(t, e.URL+"/v1/disputes/"+won, `"withdrawn":20000`)
	until(t, e.URL+"/v1/disputes/"+won, `"fees":1500`)
	until(t, e.URL+"/v1/wallets/tok_dispute", `"available":0`)
	_, shown := read(t, e.URL+"/v1/disputes/"+won, "")
	for _, want := range []string{`"status":"needs_response"`, `"stage":"chargeback"`, `"category":"fraud"`, `"waits_for":"evidence"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s lacks %s", shown, want)
		}
	}
	packet(t, e, won)

	evidence := e.URL + "/v1/disputes/" + won + "/evidence"
	if status, answer := post(t, evidence, "nothing", `{}`); status != http.StatusUnprocessableEntity {
		t.Errorf("evidence of nothing: %d %s", status, answer)
	}
	status, answer := post(t, evidence, "answer", `{"text":"it was she"}`)
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`"status":"submitting"`)) {
		t.Errorf("evidence: %d %s", status, answer)
	}
	if again, same := post(t, evidence, "answer", `{"text":"it was she"}`); again != status || !bytes.Equal(same, answer) {
		t.Errorf("the same key: %d %s; answered before %d %s", again, same, status, answer)
	}
	until(t, e.URL+"/v1/disputes/"+won, `"status":"won"`)
	until(t, e.URL+"/v1/disputes/"+won, `"fees_returned":1500`)
	until(t, e.URL+"/v1/wallets/tok_dispute", `"available":20000`)
	if status, answer := post(t, evidence, "late", `{"text":"once more"}`); status != http.StatusConflict || !bytes.Contains(answer, []byte(`"finished"`)) {
		t.Errorf("evidence after the end: %d %s", status, answer)
	}

	lost := disputed(t, e, "tok_dispute_lost")
	until(t, e.URL+"/v1/disputes/"+lost, `"withdrawn":20000`)
	if status, answer := post(t, e.URL+"/v1/disputes/"+lost+"/accept", "accept", `{"reason":"never sent"}`); status != http.StatusOK || !bytes.Contains(answer, []byte(`"status":"accepting"`)) {
		t.Errorf("accept: %d %s", status, answer)
	}
	until(t, e.URL+"/v1/disputes/"+lost, `"status":"lost"`)

	shuffled := disputed(t, e, "tok_dispute_shuffled")
	until(t, e.URL+"/v1/disputes/"+shuffled, `"withdrawn":20000`)
	inquiry := disputed(t, e, "tok_dispute_inquiry")
	until(t, e.URL+"/v1/disputes/"+inquiry, `"stage":"inquiry"`)
	until(t, e.URL+"/v1/wallets/tok_dispute_inquiry", `"available":20000`)

	until(t, e.URL+"/v1/disputes?status=lost", lost)
	until(t, e.URL+"/v1/disputes?limit=1", `"next_cursor"`)
	for query, want := range map[string]int{"?status=odd": 422, "?due_before=soon": 422, "?payment_id=x": 422, "?odd=1": 400, "?cursor=x": 400, "/dp_0000_00000000000000000000000000000000": 404} {
		if status, body := read(t, e.URL+"/v1/disputes"+query, ""); status != want {
			t.Errorf("%s: %d %s, want %d", query, status, body, want)
		}
	}
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %v", found)
	}
	if _, err := e.Database.Pool.Exec(t.Context(), `UPDATE idempotency_keys SET body = convert_to(replace(convert_from(body, 'UTF8'), 'tok_dispute', 'tok_other'), 'UTF8')
		WHERE key = 'answer'`); err != nil {
		t.Fatal(err)
	}
	if found := check(t, e); len(found) != 1 || !strings.Contains(found[0], "of tok_other in EUR; dispute "+won) {
		t.Errorf("with another customer in a stored answer fsck finds %v", found)
	}
}

// disputed waits until the customer has a dispute, and returns its id.
func disputed(t *testing.T, e *engine.Engine, customer string) string {
	t.Helper()
	url := e.URL + "/v1/disputes?customer_id=" + customer
	until(t, url, `"id":"dp_`)
	_, body := read(t, url, "")
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Data) != 1 {
		t.Fatalf("disputes of %s: %s, %v", customer, body, err)
	}
	return list.Data[0].ID
}

// packet reads what is known that helps, in both forms.
func packet(t *testing.T, e *engine.Engine, id string) {
	t.Helper()
	for accept, wants := range map[string][]string{
		"application/json":          {`"reason_code":"10.4"`, `"type":"captured"`, `"of":"dispute"`, `"template":"chargeback_withdrawn"`, `"part":"ip"`, `"compelling_evidence"`},
		"text/html,application/xml": {"<!doctype html>", "chargeback_withdrawn", "200.00 EUR", "dispute: funds_withdrawn", "take it from your own logs"},
	} {
		status, body := read(t, e.URL+"/v1/disputes/"+id+"/evidence", accept)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", accept, status, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s: %s", accept, want, body)
			}
		}
	}
}

// read asks for a resource with the key that is there in development.
func read(t *testing.T, url, accept string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
