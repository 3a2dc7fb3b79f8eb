package lifecycle_test

import (
	"testing"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/internal/scenario"
)

// What users of other payment systems ran into. Each story is a scenario in words; the test says in which line the wrong
// thing would have shown.
var regressions = []struct {
	name string
	play string
	want string // the last line of what came out
}{
	{"two concurrent refunds above the capture both succeed", `
command create 100.00 EUR authorize capture=automatic
psp response authorize approved 100.00 EUR captured
command refund 60.00 EUR
command refund 60.00 EUR
`, "refused: exceeds_captured (40.00 EUR can be refunded, open refunds counted)"},

	{"a webhook of an unknown payment is lost", `
psp webhook authorize approved 100.00 EUR captured request=none
`, "case_opened 100.00 EUR unmatched_report (the PSP sandbox reports authorize approved of a payment that we do not know)"},

	{"a timed-out payment is forced to failed", `
command create 100.00 EUR authorize capture=automatic
psp response authorize unknown
wait 48h
timer
psp poll authorize unknown
psp poll authorize approved 100.00 EUR captured
payment
`, "  authorize 100.00 EUR succeeded"},

	{"a void after the capture breaks the state machine", `
command create 100.00 EUR authorize
psp response authorize approved 100.00 EUR
command capture
psp response capture approved 100.00 EUR
command void
command refund
psp response refund approved 100.00 EUR
command void
`, "refused: finished (the payment is refunded)"},

	{"an unknown outcome is charged a second time", `
command create 100.00 EUR authorize capture=automatic
psp response authorize unknown
command authorize
`, "refused: in_progress (the payment is unknown: the PSP's answer decides first)"},

	{"a late failure downgrades a success", `
command create 100.00 EUR authorize capture=automatic
psp webhook authorize approved 100.00 EUR captured
psp response authorize failed code=timeout
psp poll authorize declined code=expired
payment
`, "  authorize 100.00 EUR succeeded"},

	{"the same webhook is applied twice", `
command create 100.00 EUR authorize capture=automatic
psp webhook authorize approved 100.00 EUR captured id=evt
psp webhook authorize approved 100.00 EUR captured id=evt
psp webhook authorize approved 100.00 EUR captured id=other
balances
`, "psp_receivable 100.00 EUR"},

	{"a held payment is ignored by the funds check", `
command create 100.00 EUR authorize capture=automatic
psp response authorize approved 100.00 EUR captured
command refund 80.00 EUR
spend 20.00 EUR
command create 10.00 EUR authorize capture=automatic payment=p2
psp response authorize approved 10.00 EUR captured payment=p2
command refund 20.00 EUR payment=p1
`, "refused: insufficient_funds (the wallet holds 10.00 EUR)"},

	{"a rejected hold can be committed", `
command create 100.00 EUR authorize decision=hold
command reject
command approve
`, "refused: finished (the payment is rejected)"},

	{"a capture above the authorisation is taken", `
command create 100.00 EUR authorize
psp response authorize approved 100.00 EUR
command capture 99.00 EUR
command capture 2.00 EUR
`, "refused: exceeds_authorized (1.00 EUR can be captured, open captures counted)"},

	{"a late payment after a void is lost", `
command create 100.00 EUR authorize
psp response authorize approved 100.00 EUR
command capture
psp response capture failed
command void
psp response void approved
psp webhook capture approved 100.00 EUR request=capture
balances
`, "psp_receivable 100.00 EUR"},
}

func TestRegressions(t *testing.T) {
	schemas := schematest.Compile(t)
	for _, r := range regressions {
		t.Run(r.name, func(t *testing.T) {
			out := scenario.Play(r.play, begin(t, schemas))
			if got := lastLine(out); got != "  "+r.want {
				t.Fatalf("want %q at the end of\n%s", r.want, out)
			}
		})
	}
}

func lastLine(s string) string {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] == '\n' {
			return s[i+1 : len(s)-1]
		}
	}
	return s
}
