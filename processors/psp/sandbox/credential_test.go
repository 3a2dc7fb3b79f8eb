package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

// TestKeptCards: a first authorization keeps the card; what is kept is used without the customer, and does what its token says.
func TestKeptCards(t *testing.T) {
	s := start(t, sandbox.Config{})
	ask := func(key, reference, token, credential string, status int) (op sandbox.Operation) {
		t.Helper()
		body := fmt.Sprintf(`{"merchant_reference":%q,"amount":1000,"currency":"EUR","card":{"token":%q},"stored_credential":%s}`, reference, token, credential)
		if code := call(t, "POST", s.URL()+"/v1/authorizations", key, body, &op); code != status {
			t.Fatalf("%s: answered %d", key, code)
		}
		return op
	}
	const first, later = `{"use":"first","type":"recurring"}`, `{"use":"subsequent","type":"recurring","network_reference":"net_1"}`
	for token, codes := range map[string][]string{
		"tok_approved": {""}, "tok_3ds_challenge": {""}, "tok_mandate_soft": {"51", "51", ""}, "tok_mandate_hard": {"43"}, "tok_mandate_revoked": {"R1"},
		"tok_mandate_authentication": {"1A"},
	} {
		kept := token + ".kept_by_hand"
		if token != "tok_3ds_challenge" {
			op := ask(token, "pay_"+token, token, first, 200)
			if kept = op.StoredCredential; op.Status != sandbox.Approved || !strings.HasPrefix(kept, token+".kept_") {
				t.Errorf("%s: %+v", token, op)
			}
		}
		for _, reference := range []string{"a", "b"} { // each payment begins anew
			for n, code := range codes {
				op := ask(fmt.Sprint(token, reference, n), token+reference, kept, later, 200)
				if op.DeclineCode != code || (op.Status == sandbox.Approved) != (code == "") || op.StoredCredential != "" {
					t.Errorf("%s, attempt %d: %+v", token, n, op)
				}
			}
		}
	}
	ask("not kept", "c", "tok_approved", later, 422)
	ask("no reference", "c", "tok_approved.kept_1", `{"use":"subsequent","type":"recurring"}`, 422)
	ask("use", "c", "tok_approved", `{"use":"again","type":"recurring"}`, 422)
	ask("type", "c", "tok_approved", `{"use":"first","type":"monthly"}`, 422)
}
