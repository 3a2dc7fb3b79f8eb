// Command testreport reads what `go test -json` writes and shows what a person needs: a line for each package, the output
// of what failed, what was skipped and why, and at the end how many packages and tests passed. An argument names the run in
// each line, where several print side by side. The exit status is 1 when anything failed, or when nothing ran.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/segmentio/encoding/json"
)

// repeated is how many lines of a failed test's output stand at the end once more, where people look first.
const repeated = 12

// lineLimit is the longest line of input, in bytes: a test may print anything.
const lineLimit = 16 << 20

func main() {
	r := report{out: os.Stdout, output: map[string][]string{}}
	if len(os.Args) > 1 {
		r.run = " (" + os.Args[1] + ")"
	}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.conclude() {
		os.Exit(1)
	}
}

// event is a line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of what does not build
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// report counts results. Tests are counted with their subtests.
type report struct {
	out    io.Writer
	run    string              // ends lines, "" where there is one run alone
	output map[string][]string // of tests and packages that have not ended, by package and test

	packages, failedPackages    int
	tests, failed, withoutTests int
	skipped                     []string
	broken                      []string // what failed, with the end of its output
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, lineLimit)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text()) // not from a test: the go command itself
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *report) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.test(e, r.output[key])
		} else {
			r.pkg(e, r.output[key])
		}
		delete(r.output, key)
	}
}

func (r *report) test(e event, output []string) {
	switch e.Action {
	case "pass":
		r.tests++
	case "fail":
		r.failed++
		fmt.Fprintf(r.out, "%s: %s%s\n%s", e.Package, e.Test, r.run, strings.Join(output, ""))
		r.broken = append(r.broken, fmt.Sprintf("failed: %s %s%s\n%s", e.Package, e.Test, r.run, strings.Join(output[max(0, len(output)-repeated):], "")))
	case "skip":
		reason := ""
		for _, line := range output {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
				reason = line
			}
		}
		r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason))
	}
}

func (r *report) pkg(e event, output []string) {
	switch e.Action {
	case "pass":
		r.packages++
		fmt.Fprintf(r.out, "ok    %-60s %6.1fs%s\n", e.Package, e.Elapsed, r.run)
	case "fail":
		r.failedPackages++
		fmt.Fprintf(r.out, "%sFAIL  %-60s %6.1fs%s\n", strings.Join(output, ""), e.Package, e.Elapsed, r.run)
	case "skip":
		r.withoutTests++
	}
}

// conclude prints the totals, in one piece, and reports whether all is well.
func (r *report) conclude() bool {
	var all strings.Builder
	slices.Sort(r.skipped)
	for _, line := range r.skipped {
		fmt.Fprintf(&all, "skipped: %s%s\n", line, r.run)
	}
	for _, text := range r.broken {
		all.WriteString(text)
	}
	fmt.Fprintf(&all, "packages: %d passed, %d failed, %d without tests%s\n", r.packages, r.failedPackages, r.withoutTests, r.run)
	fmt.Fprintf(&all, "tests: %d passed, %d failed, %d skipped%s\n", r.tests, r.failed, len(r.skipped), r.run)
	fmt.Fprint(r.out, all.String())
	return r.packages > 0 && r.failedPackages == 0 && r.failed == 0
}
