package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing"
	"github.com/weirhq/weir/topics"
)

func newRoutesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "Check, test and try out the routing file; switch PSPs off and on",
		Long: `Check, test and try out the routing file, which says which PSPs are asked for an authorisation and in which order.
docs/routing.md is the manual.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRoutesCheckCommand(a), newRoutesTestCommand(a), newRoutesExplainCommand(a), newRoutesFieldsCommand(a), newFmtCommand(a, "routing files"),
		newRoutesSwitchCommand(a, true), newRoutesSwitchCommand(a, false), newRoutesSwitchesCommand(a))
	return cmd
}

// loadRoutes compiles a routing file. Mistakes are printed.
func loadRoutes(a *app, path string, psps []string) (*routing.Set, error) {
	set, err := routing.Load(path, psps)
	var problems rules.Problems
	if errors.As(err, &problems) {
		return nil, printProblems(a, problems)
	}
	if err != nil {
		return nil, err
	}
	tellWarnings(a.errOut, set.Warnings())
	return set, nil
}

func newRoutesCheckCommand(a *app) *cobra.Command {
	var psps []string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a routing file: every mistake with its line",
		Long: `Check a routing file: every mistake with its line. With --config its PSPs must be those of the configuration, as they must be for
weir run; with --psps those that are named. Without either a route may name any.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("config") {
				c, err := a.toolConfiguration(cmd)
				if err != nil {
					return err
				}
				psps = slices.Sorted(maps.Keys(c.PSP))
			}
			set, err := loadRoutes(a, args[0], psps)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s, strategy %s: no mistakes\nrouting file %s\n", counted(len(set.Routes()), "route"), set.Strategy(), set.Hash())
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&psps, "psps", nil, "the PSPs that there are, such as acme,beta; without it routes may name any")
	cmd.Flags().String("config", "", "configuration file whose PSPs there are")
	cmd.MarkFlagsMutuallyExclusive("config", "psps")
	return cmd
}

func newRoutesTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE",
		Short: "Check a routing file and run the tests in it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadRoutes(a, args[0], nil)
			if err != nil {
				return err
			}
			tests, failures := set.Test()
			if len(failures) > 0 {
				fmt.Fprintf(a.errOut, "%s\n\n%d of %s failed\n", failures, len(failures), counted(tests, "test"))
				return errProblems
			}
			fmt.Fprintf(a.out, "%s passed\n", counted(tests, "test"))
			return nil
		},
	}
}

func newRoutesExplainCommand(a *app) *cobra.Command {
	var file, payment, at string
	var given []string
	cmd := &cobra.Command{
		Use:   "explain FILE",
		Short: "Show the plan for one payment, and what becomes of each route",
		Long: `Show the plan that a routing file makes for one payment, and what becomes of each route: its place, or why it is left out, and
the values that its condition read. All PSPs are healthy, none is switched off ("weir routes switches" lists those that are), no route
has taken anything today, and nothing was learnt.

--command names a file that holds the command as it stands on payments.commands.v1; "-" reads it from standard input.
--given gives a field a value, such as card.country=DE or risk.score=40; what is not given is missing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadRoutes(a, args[0], nil)
			if err != nil {
				return err
			}
			in := rules.Input{Command: &topics.Command{Type: topics.CommandCreate, Tenant: "example"}}
			if file != "" {
				if in, err = readInput(file, cmd.InOrStdin()); err != nil {
					return err
				}
				if in.Command == nil || in.Stage() != topics.StageBeforeAuthorization {
					return fmt.Errorf("%s: only a payment that is to be authorised has a plan", file)
				}
			}
			in.Enrichment, in.Now = &topics.Enrichment{}, time.Now()
			if at != "" {
				if in.Now, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("--at: %q is not a moment such as 2027-01-31T18:00:00Z", at)
				}
			}
			for _, pair := range given {
				if err := give(&in, pair); err != nil {
					return err
				}
			}
			plan, verdicts := set.Explain(&routing.Query{Input: in, Payment: payment}, &routing.State{})
			return printPlan(a.out, &plan, verdicts)
		},
	}
	cmd.Flags().StringVar(&file, "command", "", "file with one command in JSON, or - for standard input")
	cmd.Flags().StringArrayVar(&given, "given", nil, "a field and its value, such as card.country=DE; may be repeated")
	cmd.Flags().StringVar(&payment, "payment", "", "id of the payment, by which is drawn what is drawn")
	cmd.Flags().StringVar(&at, "at", "", "the moment of the plan (default now)")
	return cmd
}

// give reads a pair of --given.
func give(in *rules.Input, pair string) error {
	name, value, found := strings.Cut(pair, "=")
	if !found {
		return usageError{fmt.Errorf("--given: %q is not a field and its value, such as card.country=DE", pair)}
	}
	if strings.HasPrefix(name, "card.") && in.Command.Card == nil {
		in.Command.Card = &topics.Card{}
	}
	set, err := rules.SheetSetter(name)
	if err == nil {
		err = set(in, value)
	}
	if err != nil {
		return usageError{fmt.Errorf("--given: %w", err)}
	}
	return nil
}

func printPlan(out io.Writer, plan *topics.RoutePlan, verdicts []routing.Verdict) error {
	slices.SortStableFunc(verdicts, func(a, b routing.Verdict) int {
		last := func(v routing.Verdict) int { // candidates first, in their order
			if v.Place == 0 {
				return len(verdicts) + 1
			}
			return v.Place
		}
		return last(a) - last(b)
	})
	err := aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "PLACE\tROUTE\tPSP\tWHY\tREAD")
		for _, v := range verdicts {
			place, why := "-", v.Reason
			if v.Place > 0 {
				place = fmt.Sprint(v.Place)
			}
			if why != "" && v.Why != "" {
				why += ": "
			}
			var read []string
			for _, name := range slices.Sorted(maps.Keys(v.Read)) {
				read = append(read, name+" "+v.Read[name])
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", place, v.Route, v.PSP, why+v.Why, strings.Join(read, ", "))
		}
	})
	if err != nil {
		return err
	}
	if len(plan.Candidates) == 0 {
		fmt.Fprintln(out, "\nno route takes the payment: it is declined as no_route")
	}
	_, err = fmt.Fprintf(out, "\nattempts      %d, within %d s\nrouting file  %s\n", plan.Attempts, plan.WithinSeconds, plan.Version)
	return err
}

func newRoutesFieldsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "fields",
		Short: "List every field that a route's condition may read",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return aligned(a.out, func(w io.Writer) {
				fmt.Fprintln(w, "FIELD\tEXAMPLE\tMAY BE MISSING\tMEANING")
				for _, f := range rules.SheetFields() {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, f.Example, yesNo(!f.Required), f.Doc)
				}
			})
		},
	}
}
