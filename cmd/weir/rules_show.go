package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/rules"
)

func newRulesShowCommand(a *app) *cobra.Command {
	var tenant, region string
	var effective bool
	cmd := &cobra.Command{
		Use:   "show [PATH...]",
		Short: "List the rules, or those that decide for one tenant and region",
		Long: `List the rules with whom and when they are in force. With --effective, --tenant or --region, only those that decide on
payments of that tenant and region: a rule that stands closer to them replaces the general one of its name.`,
		RunE: func(_ *cobra.Command, paths []string) error {
			set, err := loadRules(a, paths)
			if err != nil {
				return err
			}
			standings := set.All()
			if effective || tenant != "" || region != "" {
				standings = set.Effective(tenant, region)
			}
			if err := show(a.out, standings); err != nil {
				return err
			}
			return showGaming(a.out, set.GamingLimits(tenant, region))
		},
	}
	cmd.Flags().BoolVar(&effective, "effective", false, "only the rules that decide, after replacement")
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant that they decide for")
	cmd.Flags().StringVar(&region, "region", "", "the region that they decide for")
	return cmd
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
