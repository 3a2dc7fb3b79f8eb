package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/rules"
)

func newPSPCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "psp",
		Short: "Check files that describe payment service providers",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPSPCheckCommand(a))
	return cmd
}

func newPSPCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check <file>...",
		Short: "Check files that describe PSPs for the adapter generic",
		Long: `Check files that describe PSPs for the adapter generic. Every mistake is shown with its line and what would be right, and
nothing is called. docs/psps.md is the manual of these files.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			var all rules.Problems
			for _, file := range files {
				definition, err := generic.Read(file)
				var problems rules.Problems
				if errors.As(err, &problems) {
					all = append(all, problems...)
					continue
				}
				if err != nil {
					return err
				}
				names := make([]string, 0, len(definition.Operations))
				for _, operation := range slices.Sorted(maps.Keys(definition.Operations)) {
					names = append(names, string(operation))
				}
				fmt.Fprintf(a.out, "%s: describes %s\n", file, strings.Join(names, ", "))
			}
			if len(all) > 0 {
				return printProblems(a, all)
			}
			return nil
		},
	}
}
