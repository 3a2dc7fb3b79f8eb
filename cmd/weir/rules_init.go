package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	defaultrules "github.com/weirhq/weir/testdata"
)

// testsOfTheWhole are of the built-in rules alone: what they expect is not so once the starter rules stand beside them.
const testsOfTheWhole = "tests.yaml"

func newRulesInitCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Write the starter rules into a new directory",
		Long: `Write the built-in rules, their lists and the starter rules into a new or empty directory. Each starter file says what it
catches and whom it hurts. They read velocity: put them into force where the role velocity runs.`,
		Args: one("directory: weir rules init rules"),
		RunE: func(_ *cobra.Command, args []string) error {
			entries, err := os.ReadDir(args[0])
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("write rules: %w", err)
			}
			if len(entries) > 0 {
				return fmt.Errorf("write rules: %s is not empty; name a new directory", args[0])
			}
			for _, from := range []string{defaultrules.Dir, path.Join(defaultrules.Dir, "lists"), defaultrules.Starter} {
				to := args[0]
				if path.Base(from) == "lists" {
					to = filepath.Join(to, "lists")
				}
				if err := copyRules(a, from, to); err != nil {
					return fmt.Errorf("write rules: %w", err)
				}
			}
			_, err = fmt.Fprintf(a.out, `
Now set your own amounts, and run: weir rules test %[1]s

These rules count by card.fingerprint, context.device_id, context.ip and customer.id: a payment without fingerprint or device
is held, because nothing can be said of it. What a payment of yours would meet: weir rules explain --first-time --command FILE %[1]s
`, args[0])
			return err
		},
	}
}

// copyRules writes the files of a directory of the built-in rules.
func copyRules(a *app, from, to string) error {
	entries, err := fs.ReadDir(defaultrules.FS, from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || e.Name() == testsOfTheWhole {
			continue
		}
		text, err := fs.ReadFile(defaultrules.FS, path.Join(from, e.Name()))
		if err != nil {
			return err
		}
		name := filepath.Join(to, e.Name())
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(a.out, name)
	}
	return nil
}
