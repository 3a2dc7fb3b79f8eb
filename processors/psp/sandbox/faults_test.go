package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func setFaults(t *testing.T, s *sandbox.Server, body string) {
	t.Helper()
	if code := call(t, "PUT", s.URL()+"/v1/test/faults", "", body, nil); code != 200 {
		t.Fatalf("faults %s: %d", body, code)
	}
}

func summaryOf(t *testing.T, s *sandbox.Server) (sum sandbox.Summary) {
	t.Helper()
	if code := call(t, "GET", s.URL()+"/v1/test/summary", "", "", &sum); code != 200 {
		t.Fatalf("summary: %d", code)
	}
	return sum
}

func TestOutageOfOneOperation(t *testing.T) {
	s := start(t, sandbox.Config{})
	op := authorize(t, s, "before", "tok_approved", 1000, false)
	capture := func() int {
		return call(t, "POST", s.URL()+"/v1/authorizations/"+op.Authorization+"/capture", "capture", `{"amount":1000}`, nil)
	}
	setFaults(t, s, `{"outage":{"share":100,"operations":["capture"]}}`)
	if code := capture(); code != 503 {
		t.Errorf("capture in an outage of captures: %d, want 503", code)
	}
	authorize(t, s, "during", "tok_approved", 1000, false)
	if code := call(t, "GET", s.URL()+"/v1/requests/capture", "", "", nil); code != 404 {
		t.Errorf("look-up of what an outage refused: %d, want 404", code)
	}
	setFaults(t, s, `{"outage":{"share":100}}`)
	for _, path := range []string{"/v1/requests/before", "/v1/payments/ref-before", "/v1/authorizations/" + op.Authorization} {
		if code := call(t, "GET", s.URL()+path, "", "", nil); code != 503 {
			t.Errorf("%s in an outage of everything: %d, want 503", path, code)
		}
	}
	setFaults(t, s, `{}`)
	if code := capture(); code != 200 {
		t.Errorf("capture after the outage: %d", code)
	}
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 1000 || sum.Payments != 2 {
		t.Errorf("summary %+v", sum)
	}
}

// A share of an outage befalls the same requests at each attempt and in each process with the seed, and others with another seed.
func TestOutageIsDrawnBySeed(t *testing.T) {
	befallen := func(seed int) string {
		s := start(t, sandbox.Config{})
		setFaults(t, s, fmt.Sprintf(`{"seed":%d,"outage":{"share":30}}`, seed))
		drawn := ""
		for n := range 300 {
			key := fmt.Sprintf("key-%d", n)
			var codes [2]int
			for i := range codes {
				codes[i] = call(t, "POST", s.URL()+"/v1/authorizations", key, authorization("ref", "tok_approved", 1000, true), nil)
			}
			if codes[0] != codes[1] || codes[0] != 200 && codes[0] != 503 {
				t.Fatalf("%s: answered %v", key, codes)
			}
			drawn += map[int]string{200: ".", 503: "x"}[codes[0]]
		}
		return drawn
	}
	first := befallen(1)
	if again := befallen(1); again != first {
		t.Errorf("with the same seed\n%s\nand\n%s", first, again)
	}
	if befallen(2) == first {
		t.Error("another seed draws the same")
	}
	if n := strings.Count(first, "x"); n < 60 || n > 120 {
		t.Errorf("%d of 300 are out; want about 90", n)
	}
}

func TestForgottenKeyChargesAgain(t *testing.T) {
	dir := t.TempDir()
	s := start(t, sandbox.Config{DataDir: dir})
	setFaults(t, s, `{"forgets_keys":100}`)
	first := authorize(t, s, "key", "tok_approved", 1000, true)
	second := authorize(t, s, "key", "tok_approved", 1000, true)
	third := authorize(t, s, "key", "tok_approved", 1000, true)
	if first.Authorization == second.Authorization || second.Authorization == third.Authorization || third.RequestID != "key" {
		t.Errorf("three performances: %+v %+v %+v", first, second, third)
	}
	refund := fmt.Sprintf(`{"authorization":%q,"amount":400}`, first.Authorization)
	for n, want := range []int{200, 200, 422} { // what is left bounds it, not the key
		if code := call(t, "POST", s.URL()+"/v1/refunds", "refund", refund, nil); code != want {
			t.Errorf("refund %d: %d, want %d", n+1, code, want)
		}
	}
	setFaults(t, s, `{}`)
	if again := authorize(t, s, "key", "tok_approved", 1000, true); again.Authorization != third.Authorization {
		t.Errorf("the last one answers: %+v", again)
	}
	want := summaryOf(t, s)
	if want.Captured["EUR"] != 3000 || want.Refunded["EUR"] != 800 {
		t.Errorf("summary %+v", want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	restarted := start(t, sandbox.Config{DataDir: dir})
	if again := authorize(t, restarted, "key", "tok_approved", 1000, true); again.Authorization != third.Authorization {
		t.Errorf("after a restart the last one answers: %+v", again)
	}
	if got := summaryOf(t, restarted); got.Captured["EUR"] != 3000 || got.Refunded["EUR"] != 800 {
		t.Errorf("summary after a restart %+v", got)
	}
}

func TestRepeatIsAnsweredOtherwise(t *testing.T) {
	s := start(t, sandbox.Config{})
	setFaults(t, s, `{"other_answers":100}`)
	first := authorize(t, s, "key", "tok_approved", 1000, true)
	again := authorize(t, s, "key", "tok_approved", 1000, true)
	if first.Amount != 1000 || again.Amount != 1001 || again.Authorization != first.Authorization {
		t.Errorf("%+v, then %+v; want one minor unit more", first, again)
	}
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 1000 || sum.Payments != 1 {
		t.Errorf("nothing more is performed: %+v", sum)
	}
}

func TestWrongFaultsChangeNothing(t *testing.T) {
	s := start(t, sandbox.Config{})
	setFaults(t, s, `{"seed":18446744073709551615,"outage":{"share":3,"operations":["lookup"]}}`)
	for body, field := range map[string]string{
		`{"outage":{"share":101}}`: "outage.share", `{"forgets_keys":-1}`: "forgets_keys", `{"other_answers":200}`: "other_answers",
		`{"outage":{"share":1,"operations":["refunds"]}}`: "refunds", `{`: "body",
	} {
		var refused sandbox.Error
		if code := call(t, "PUT", s.URL()+"/v1/test/faults", "", body, &refused); code != 422 || !strings.Contains(refused.Detail, field) {
			t.Errorf("%s: %d %+v; want 422 that names %s", body, code, refused, field)
		}
	}
	var now sandbox.Faults
	call(t, "GET", s.URL()+"/v1/test/faults", "", "", &now)
	if text, _ := json.Marshal(now); now.Seed != 1<<64-1 || now.Outage.Share != 3 {
		t.Errorf("faults are %s", text)
	}
}
