package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name string
		run  string
		in   string
		want string
		ok   bool
	}{
		{
			name: "passed",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.25}
{"Action":"skip","Package":"q"}`,
			want: "ok    p                                                               1.2s\n" +
				"packages: 1 passed, 0 failed, 1 without tests\ntests: 1 passed, 0 failed, 0 skipped\n",
			ok: true,
		},
		{
			name: "failed",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p","Elapsed":0}`,
			want: "p: TestA\nwhy\n" + "FAIL  p                                                               0.0s\n" +
				"failed: p TestA\nwhy\n" +
				"packages: 0 passed, 1 failed, 0 without tests\ntests: 0 passed, 1 failed, 0 skipped\n",
		},
		{
			name: "beside others",
			run:  " (second)",
			in: `{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p","Elapsed":0}
{"Action":"pass","Package":"q","Elapsed":0}`,
			want: "p: TestA (second)\n" +
				"FAIL  p                                                               0.0s (second)\n" +
				"ok    q                                                               0.0s (second)\n" +
				"skipped: p TestB:  (second)\nfailed: p TestA (second)\n" +
				"packages: 1 passed, 1 failed, 0 without tests (second)\ntests: 0 passed, 1 failed, 1 skipped (second)\n",
		},
		{
			name: "skipped",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: no server\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0}`,
			want: "ok    p                                                               0.0s\n" +
				"skipped: p TestA: a_test.go:1: no server\n" +
				"packages: 1 passed, 0 failed, 0 without tests\ntests: 0 passed, 0 failed, 1 skipped\n",
			ok: true,
		},
		{
			name: "does not build",
			in: `{"ImportPath":"p","Action":"build-output","Output":"p/a.go:1:1: expected 'package'\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p"}`,
			want: "p/a.go:1:1: expected 'package'\nFAIL\tp [build failed]\n" +
				"FAIL  p                                                               0.0s\n" +
				"packages: 0 passed, 1 failed, 0 without tests\ntests: 0 passed, 0 failed, 0 skipped\n",
		},
		{
			name: "nothing ran",
			in:   "go: no such module",
			want: "go: no such module\npackages: 0 passed, 0 failed, 0 without tests\ntests: 0 passed, 0 failed, 0 skipped\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := report{out: &out, run: c.run, output: map[string][]string{}}
			if err := r.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if ok := r.conclude(); ok != c.ok {
				t.Errorf("all is well: %t, want %t", ok, c.ok)
			}
			if got := out.String(); got != c.want {
				t.Errorf("report:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}
