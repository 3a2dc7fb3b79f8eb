package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestPSPCheck(t *testing.T) {
	broken := writeFile(t, "broken.yaml", "version: 1\noperations:\n  authorize:\n    post: /pay/${payment}\n    answers:\n      - {status: 200, outcome: approved}\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string // on either stream
	}{
		{"right", []string{"../../processors/psp/generic/examples/bank.yaml"}, exitOK, []string{"bank.yaml: describes authorize, confirm, refund"}},
		{"wrong", []string{broken, "../../processors/psp/generic/examples/qr.yaml"}, exitProblem, []string{
			"broken.yaml:4:11: unknown variable \"payment\"", "    4 |     post: /pay/${payment}", "^", "broken.yaml:6:9: an approval must be read from a field",
			"2 problems", "qr.yaml: describes authorize"}},
		{"not there", []string{"/nowhere"}, exitProblem, []string{"/nowhere"}},
		{"none", nil, exitUsage, []string{"requires at least 1 arg"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := run(t.Context(), &app{out: &out, errOut: &errOut}, append([]string{"psp", "check"}, c.args...))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if text := out.String() + errOut.String(); !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
		})
	}
}
