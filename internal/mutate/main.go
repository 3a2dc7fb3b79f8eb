// Command mutate breaks the ledger in one place at a time and runs the tests that must notice: one that does not says that
// a guard is there which nothing tests. The files themselves stay as they are: the go command is given the broken ones in
// their place. It prints a table and exits with 1 where a mutant survives, does not build, or where its place is not found.
//
//	go run ./internal/mutate
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/segmentio/encoding/json"
)

// testLimit is after how long the go command gives a package up.
const testLimit = "5m"

// mutation replaces one text of one file, which must stand in it once.
type mutation struct {
	breaks   string
	file     string // from the root of the module
	old, new string
	packages string // whose tests must fail
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survivors, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
	}
	if err != nil || survivors > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context) (survivors int, err error) {
	dir, err := os.MkdirTemp("", "weir-mutate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := healthy(ctx); err != nil {
		return 0, err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "broken\tin\tnoticed by")
	for _, m := range mutations() {
		fmt.Fprintln(os.Stderr, m.breaks)
		overlay, err := m.overlay(dir)
		if err != nil {
			return 0, err
		}
		failed, err := tests(ctx, m.packages, "-overlay", overlay)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s: %w", m.breaks, err)
		case len(failed) == 0:
			survivors++
			failed = []string{"NOTHING: it survives the tests of " + m.packages}
		}
		more := ""
		if n := len(failed) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(table, "%s\t%s\t%s%s\n", m.breaks, m.file, failed[0], more)
	}
	fmt.Fprintf(table, "\n%d of %d survive\n", survivors, len(mutations()))
	return survivors, table.Flush()
}

// healthy says whether the tests pass as things are: only then does a failure mean anything.
func healthy(ctx context.Context) error {
	var packages []string
	for _, m := range mutations() {
		packages = append(packages, strings.Fields(m.packages)...)
	}
	slices.Sort(packages)
	fmt.Fprintln(os.Stderr, "nothing, to begin with")
	failed, err := tests(ctx, strings.Join(slices.Compact(packages), " "))
	if err == nil && len(failed) > 0 {
		err = fmt.Errorf("the tests fail as things are: %s", strings.Join(failed, ", "))
	}
	return err
}

// overlay writes the broken file, and what tells the go command to take it in the place of the real one.
func (m *mutation) overlay(dir string) (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s: %s holds %d times what is to be replaced, want once: %s", m.breaks, m.file, n, m.old)
	}
	real, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	broken := filepath.Join(dir, filepath.Base(m.file))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{real: broken}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, errors.Join(os.WriteFile(broken, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600), os.WriteFile(list, overlay, 0o600))
}

// tests runs the tests of packages and returns the names of those that failed. It is an error where something failed and
// no test did: what does not build proves nothing.
func tests(ctx context.Context, packages string, flags ...string) (failed []string, err error) {
	arguments := append([]string{"test", "-json", "-failfast", "-timeout", testLimit}, flags...)
	command := exec.CommandContext(ctx, "go", append(arguments, strings.Fields(packages)...)...)
	command.Env = append(os.Environ(), "RAPID_NOFAILFILE=true") // what a broken ledger fails on is not kept for the whole one
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err = command.Run()
	var other strings.Builder
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		switch {
		case event.Action == "fail" && event.Test != "" && !strings.Contains(event.Test, "/"):
			failed = append(failed, event.Test)
		case event.Test == "":
			other.WriteString(event.Output)
		}
	}
	if len(failed) > 0 {
		return failed, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w, and no test says why:\n%s%s", err, errOut.String(), other.String())
	}
	return nil, nil
}
