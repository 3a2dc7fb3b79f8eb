package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/rules"
)

func newRulesDiffCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what two rule sets decide differently",
		Long: `Show what two rule sets decide differently: rules, lists, limits and velocity definitions by name. Descriptions, owners,
tags, tests and layout are no differences. ` + whichSets + `
Who approves a set reads weir rules diff live proposed.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name two rule sets: weir rules diff OLD NEW")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sets, err := a.ruleSets(cmd, args...)
			if err != nil {
				return err
			}
			before, after := sets[0], sets[1]
			changes := rules.Diff(before, after)
			for _, c := range changes {
				switch {
				case c.Key == "" && c.Before == "":
					fmt.Fprintf(a.out, "+ %s: %s\n", c.What, c.After)
				case c.Key == "":
					fmt.Fprintf(a.out, "- %s: %s\n", c.What, c.Before)
				default:
					fmt.Fprintf(a.out, "~ %s, %s: %s -> %s\n", c.What, c.Key, shown(c.Before), shown(c.After))
				}
			}
			if len(changes) == 0 && before.Hash() == after.Hash() {
				fmt.Fprintln(a.out, "both decide the same")
			} else if len(changes) == 0 {
				fmt.Fprintln(a.out, "the same rules stand in another order, which changes the order of reasons alone")
			}
			return nil
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func shown(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

// newFmtCommand formats files of rules or routes, as what says.
func newFmtCommand(a *app, what string) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Lay " + what + " out as all of them are",
		Long: "Lay " + what + ` out as all of them are: blank lines, line ends, white space. Comments and words stay, and so does what the
file decides. With --check nothing is written; the exit code is 1 where a file would change.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			changed := 0
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				formatted := rules.Format(text)
				if bytes.Equal(text, formatted) {
					continue
				}
				changed++
				fmt.Fprintln(a.out, name)
				if check {
					continue
				}
				if err := rewrite(name, text, formatted); err != nil {
					return err
				}
			}
			if check && changed > 0 {
				return errProblems
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing, and fail where a file would change")
	return cmd
}

// rewrite replaces a file in one step, if it decides the same as before. A file with mistakes is laid out, too.
func rewrite(name string, before, after []byte) error {
	meaning := func(text []byte) (string, bool) {
		set, err := rules.Compile([]rules.File{{Name: filepath.ToSlash(name), Text: text}}, os.ReadFile)
		if err != nil {
			return "", false
		}
		return set.Hash(), true
	}
	was, wasGood := meaning(before)
	is, isGood := meaning(after)
	if was != is || wasGood != isGood {
		return fmt.Errorf("%s: laying it out would change what it decides; it is left as it is", name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".weir-fmt-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(temporary, bytes.NewReader(after))
	if err := errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return os.Rename(temporary.Name(), name)
}
