package main

import (
	"bytes"
	"strings"
	"testing"
)

const shopRoutes = "../../rules/routing/testdata/shop.yaml"

// routesOutput runs "weir routes" with arguments.
func routesOutput(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), &app{out: &o, errOut: &e}, append([]string{"routes"}, args...))
	return code, o.String(), e.String()
}

func TestRoutes(t *testing.T) {
	broken := writeFile(t, "broken.yaml", "version: 1\nroutes:\n  - { name: a, psp: acme, when: card.contry == \"DE\" }\n")
	failing := writeFile(t, "failing.yaml", "version: 1\nroutes:\n  - { name: a, psp: acme }\ntests:\n  - { expect: [] }\n")
	partial := writeFile(t, "partial.yaml", "version: 1\nroutes:\n  - { name: a, psp: acme, when: card.country == \"DE\" }\n")
	command := writeFile(t, "command.json", `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"create","tenant":"acme","customer_id":"cus_1",`+
		`"amount":2000,"currency":"EUR","authorize":true,"card":{"token":"tok_1","country":"AT","bin":"400000"}}`)
	refund := writeFile(t, "refund.json", `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"refund","tenant":"acme","customer_id":"cus_1","payment_id":"pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"}`)
	const there = "psp:\n  beta: { base_url: \"http://localhost:1\" }\n  world: { base_url: \"http://localhost:2\" }\n  acme: { base_url: \"http://localhost:3\" }\npayments: { psp: beta }\n"
	three := writeFile(t, "three.yaml", there)
	other := writeFile(t, "other.yaml", strings.Replace(there, "acme:", "acne:", 1))
	for _, c := range []struct {
		name, args string
		code       int
		want       []string // on either stream
	}{
		{"check, with the PSPs of the configuration", "check --config " + three + " " + shopRoutes, exitOK, []string{"no mistakes"}},
		{"check, a PSP that the configuration spells otherwise", "check --config " + other + " " + shopRoutes, exitProblem, []string{`the configuration has no PSP "acme"`, `did you mean "acne"?`}},
		{"check", "check " + shopRoutes, exitOK, []string{"5 routes, strategy priority: no mistakes\nrouting file "}},
		{"check, a mistake", "check " + broken, exitProblem, []string{`broken.yaml:3:33: unknown field "card.contry"`, "1 problem"}},
		{"check, a PSP that is not there", "check --psps beta,world " + shopRoutes, exitProblem, []string{`the configuration has no PSP "acme"`}},
		{"check warns", "check " + partial, exitOK, []string{"every route has a condition or a limit", "1 warning"}},
		{"no file", "check /nowhere", exitProblem, []string{"/nowhere"}},
		{"test", "test " + shopRoutes, exitOK, []string{"6 tests passed"}},
		{"test, a failure", "test " + failing, exitProblem, []string{"failing.yaml:5:5: test failed: the routes are [a], not []", "1 of 1 test failed"}},
		{"explain", "explain --given risk.score=7 --command " + command + " " + shopRoutes, exitOK, []string{
			"1      german          beta   ", "card.country AT, risk.score 7",
			"2      acme_eu         acme", "3      rest            world", "-      premium         acme   condition", "attempts      3, within 30 s"}},
		{"explain, missing", "explain --given card.country=DE " + shopRoutes, exitOK, []string{"-      german          beta   missing: risk.score"}},
		{"explain, none", "explain --given card.country=FR " + partial, exitOK, []string{"no route takes the payment: it is declined as no_route"}},
		{"explain, not a payment", "explain --command " + refund + " " + shopRoutes, exitProblem, []string{"only a payment that is to be authorised has a plan"}},
		{"explain, a field", "explain --given card.contry=DE " + shopRoutes, exitUsage, []string{`there is no field "card.contry"; did you mean "card.country"?`}},
		{"explain, a value", "explain --given risk.score=high " + shopRoutes, exitUsage, []string{`"high" is not a whole number`}},
		{"fields", "fields", exitOK, []string{"risk.score", "card.bin"}},
		{"fmt", "fmt --check " + shopRoutes, exitOK, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errOut := routesOutput(t, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out+errOut, want) {
					t.Errorf("%q is missing in\n%s%s", want, out, errOut)
				}
			}
		})
	}
}
