// Package house holds the rules of the house as tests: which package may import which, and what code may not contain.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/weirhq/weir/"

// root is where the module begins, seen from here.
const root = "../.."

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string // all packages that it needs, directly or not
	Standard   bool
}

func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	command.Dir = root
	var errOut bytes.Buffer
	command.Stderr = &errOut
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, errOut.String())
	}
	found := map[string]goPackage{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(p.ImportPath, module)] = p
	}
	if len(found) < 10 {
		t.Fatalf("%d packages found; the test looks in the wrong place", len(found))
	}
	return found
}

// within tells whether a package is one of roots or below one of them.
func within(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}

// allowed is what a package may import of ours besides what is below itself; nil where the rules say nothing.
func allowed(path string) (roots []string, bound bool) {
	switch {
	case path == "ledger":
		return nil, true
	case within(path, "ledger"):
		return []string{"ledger", "topics", "internal/database"}, true
	case within(path, "topics"):
		return []string{"ledger", "topics"}, true
	case within(path, "rules"):
		return []string{"topics", "ledger", "rules", "internal/spelling"}, true
	case path == "internal/spelling":
		return nil, true
	case within(path, "processors/payments/gaming", "processors/payments/lifecycle", "processors/payments/profiles", "processors/payments/wallets"):
		return []string{"topics", "ledger", "processors/payments/gaming"}, true
	case within(path, "processors/payments/links"): // its uses are what payments are
		return []string{"topics", "ledger", "processors/payments/lifecycle"}, true
	case within(path, "processors/payments/payouts"): // it counts what payments brought, and takes from wallets
		return []string{"topics", "ledger", "processors/payments/lifecycle", "processors/payments/wallets"}, true
	case within(path, "processors/stream"):
		return []string{"topics", "internal"}, true
	case within(path, "processors"):
		// Processors meet in topics, not in each other; the runtime is for all of them.
		own := strings.Join(strings.Split(path, "/")[:2], "/")
		return []string{"topics", "ledger", "rules", "internal", "processors/stream", "testdata", own}, true
	case within(path, "api"):
		// Besides what its requests are made of, read models alone: of payments, and of what a signature is.
		return []string{"api", "topics", "ledger", "internal", "processors/payments/view", "processors/psp/webhook"}, true
	case within(path, "internal/broker", "internal/config", "internal/database", "internal/dirlock", "internal/telemetry"):
		return []string{"topics", "ledger", "internal"}, true
	}
	return nil, false
}

func TestImports(t *testing.T) {
	all := packages(t)
	t.Run("direction", func(t *testing.T) { importDirection(t, all) })
	t.Run("pure packages", func(t *testing.T) { purePackages(t, all) })
}

func importDirection(t *testing.T, all map[string]goPackage) {
	for path, p := range all {
		roots, bound := allowed(path)
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if bound && !within(name, append(roots, path)...) {
				t.Errorf("%s imports %s; it may import only %s", path, name, strings.Join(roots, ", "))
			}
			if within(name, "cmd") {
				t.Errorf("%s imports %s; nothing imports a command", path, name)
			}
			if within(name, "internal/engine", "internal/demo") && !within(path, "cmd", "internal") {
				t.Errorf("%s imports %s, which puts processors together; only commands and internal packages may", path, name)
			}
		}
	}
}

// purePackages: what decides about money does no I/O and cannot learn to by way of another package.
func purePackages(t *testing.T, all map[string]goPackage) {
	forbidden := []string{"net/http", "os/exec", "github.com/twmb/franz-go", "github.com/jackc/pgx", "github.com/cockroachdb", "github.com/prometheus"}
	for _, path := range []string{"topics", "ledger", "rules", "rules/velocity", "rules/backtest", "rules/routing", "internal/spelling", "processors/aml/behaviour", "processors/aml/frame", "processors/aml/graph", "processors/aml/screening", "processors/aml/screening/lists", "processors/aml/screening/names", "processors/payments/gaming", "processors/payments/lifecycle", "processors/payments/links", "processors/payments/payouts", "processors/payments/profiles", "processors/payments/wallets"} {
		p, ok := all[path]
		if !ok {
			t.Errorf("%s: is not there", path)
		}
		for _, needed := range p.Deps {
			if within(needed, forbidden...) {
				t.Errorf("%s needs %s", path, needed)
			}
		}
		for _, imported := range p.Imports {
			if within(imported, "database/sql", "net", "log", "math/rand") && imported != "net/url" && imported != "net/netip" {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}
