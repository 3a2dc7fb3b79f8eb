package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/rules"
)

func newRulesShowCommand(a *app) *cobra.Command {
	var tenant, region string
	var effective, text bool
	cmd := &cobra.Command{
		Use:   "show [PATH... | live | candidate | proposed | HASH]",
		Short: "List the rules, or those that decide for one tenant and region",
		Long: `List the rules with whom and when they are in force. With --effective, --tenant or --region, only those that decide on
payments of that tenant and region: a rule that stands closer to them replaces the general one of its name.

` + whichSets + ` With --text, its files are printed as they were deployed: what an approver reads.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			set, err := rulesShown(a, cmd, paths, text)
			if err != nil || set == nil {
				return err
			}
			standings, limits := set.All(), set.AllGamingLimits()
			if effective || tenant != "" || region != "" {
				standings, limits = set.Effective(tenant, region), set.GamingLimits(tenant, region)
			}
			if err := show(a.out, standings); err != nil {
				return err
			}
			return showGaming(a.out, limits)
		},
	}
	cmd.Flags().BoolVar(&text, "text", false, "print the files of a rule set that was deployed")
	cmd.Flags().BoolVar(&effective, "effective", false, "only the rules that decide, after replacement")
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant that they decide for")
	cmd.Flags().StringVar(&region, "region", "", "the region that they decide for")
	a.addConfigFlags(cmd)
	return cmd
}

// rulesShown is the set whose rules are to be listed, nil where its text was printed.
func rulesShown(a *app, cmd *cobra.Command, names []string, text bool) (*rules.Set, error) {
	switch {
	case text && len(names) == 1:
		return nil, a.printText(cmd, names[0])
	case text:
		return nil, usageError{errors.New("--text prints one rule set that was deployed: weir rules show proposed --text")}
	case len(names) == 1 && isDeployed(names[0]):
		sets, err := a.ruleSets(cmd, names[0])
		if err != nil {
			return nil, err
		}
		return sets[0], nil
	}
	return rulesAt(a, names)
}

func show(out io.Writer, standings []rules.Standing) error {
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "RULE\tSTAGE\tOUTCOME\tIN FORCE\tTENANTS/REGIONS\tFROM")
		for _, s := range standings {
			inForce, outcome := s.InForce, string(s.Outcome)
			if inForce == "" {
				inForce = "yes"
			}
			if outcome == "" {
				outcome = "-" // it only takes another away
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s:%d\n", s.Name, s.Stage, outcome, inForce, s.Scope, s.File, s.Line)
		}
	})
}

// aligned writes a table whose lines end where their text ends.
func aligned(out io.Writer, rows func(io.Writer)) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	rows(w)
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
