package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/rules"
	defaultrules "github.com/weirhq/weir/testdata"
	"github.com/weirhq/weir/topics"
)

// maxCommandBytes bounds what explain reads: a record of a topic is not larger.
const maxCommandBytes = 1 << 20

func newRulesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check, test, try out and deploy rule files",
		Long: `Check, test, try out and deploy rule files. A path is a file or a directory of *.yaml files; without one, the rule set that is
built in is used. rules/README.md is the manual.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRulesCheckCommand(a), newRulesTestCommand(a), newRulesShowCommand(a), newRulesInitCommand(a), newRulesDiffCommand(a),
		newFmtCommand(a, "rule files"), newRulesExplainCommand(a), newRulesFieldsCommand(a),
		newRulesDeployCommand(a), newRulesApproveCommand(a), newRulesRejectCommand(a), newRulesRollbackCommand(a), newRulesHistoryCommand(a), newRulesReplayCommand(a),
		newRulesBacktestCommand(a), newRulesBenchCommand(a))
	return cmd
}

// loadRules loads the rule set at paths, or the built-in one. Mistakes are printed.
func loadRules(a *app, paths []string) (*rules.Set, error) {
	var set *rules.Set
	var err error
	if len(paths) == 0 {
		set, err = rules.LoadFS(defaultrules.FS, defaultrules.Dir)
	} else {
		set, err = rules.Load(paths...)
	}
	var problems rules.Problems
	if errors.As(err, &problems) {
		return nil, printProblems(a, problems)
	}
	return set, err
}

func printProblems(a *app, problems rules.Problems) error {
	fmt.Fprintf(a.errOut, "%s\n\n%s\n", problems, counted(len(problems), "problem"))
	return errProblems
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func newRulesCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Check rule files: every mistake with its line",
		RunE: func(_ *cobra.Command, paths []string) error {
			set, err := rulesAt(a, paths)
			if err != nil {
				return err
			}
			printWarnings(a.errOut, set)
			entries := 0
			for _, l := range set.Lists() {
				entries += len(l.Entries)
			}
			limits := ""
			if n := len(set.AllGamingLimits()); n > 0 {
				limits = ", " + counted(n, "gaming limit")
			}
			fmt.Fprintf(a.out, "%s, %s with %s%s: no mistakes; weir rules test runs the tests\nrule set %s\n", counted(len(set.Rules()), "rule"),
				counted(len(set.Lists()), "list"), plural(entries, "entry", "entries"), limits, set.Hash())
			return nil
		},
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func newRulesTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Check rule files and run the tests in them",
		RunE: func(_ *cobra.Command, paths []string) error {
			set, err := rulesAt(a, paths)
			if err != nil {
				return err
			}
			printWarnings(a.errOut, set)
			tests, failures := set.Test()
			if len(failures) > 0 {
				fmt.Fprintf(a.errOut, "%s\n\n%d of %s failed\n", failures, len(failures), counted(tests, "test"))
				return errProblems
			}
			fmt.Fprintf(a.out, "%s passed\n", counted(tests, "test"))
			for _, r := range set.Rules() {
				if len(r.Tests) == 0 {
					fmt.Fprintf(a.out, "%s:%d: rule %s has no tests\n", r.File, r.Line, r.Name)
				}
			}
			return nil
		},
	}
}

func newRulesExplainCommand(a *app) *cobra.Command {
	var file, at, answers string
	var velocity []string
	var firstTime bool
	cmd := &cobra.Command{
		Use:   "explain ID | --command FILE [PATH...]",
		Short: "Show why something was decided as it was, or what every rule says of one command",
		Long: `Show what was decided and why: every rule, the values it read, and what velocity and data files said, as they were
recorded then. ID is a payment or a payout, with all that was decided on it and carried out; or a command of a payment, a payout or a wallet,
or a customer event, refused ones included, for the 31 days for which their ids are remembered.

With --command, show what the rules at the paths say of a command now. The file holds the command as it stands on
payments.commands.v1 or wallet.commands.v1, or an event of customer.events.v1; "-" reads it from standard input. A create command with
"authorization": {"amount": 1050, "authentication": {"avs": "N", "cvv": "M"}} in it is what the issuer answered; one of
payouts.commands.v1 has "stage": "payout" in it.
What velocity would answer is given with --velocity card_attempts_1h=5, or by a file of a JSON object such as
{"card_attempts_1h": "5", "customer_deposits_7d": "250.00 EUR"}; what is not given is missing, or with
--first-time what velocity says where nothing was before. Lists are as in their files.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if file == "" {
				return explainDecided(a, cmd, paths[0])
			}
			now := time.Now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("--at: %q is not a moment such as 2027-01-31T18:00:00Z", at)
				}
			}
			set, err := rulesAt(a, paths)
			if err != nil {
				return err
			}
			in, err := readInput(file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			in.Now = now
			if in.Features, err = readAnswers(set, &in, velocity, answers, firstTime); err != nil {
				return err
			}
			return explain(a.out, set, in)
		},
	}
	cmd.Flags().StringVar(&file, "command", "", "file with one command or customer event in JSON, or - for standard input")
	cmd.Flags().StringArrayVar(&velocity, "velocity", nil, "what velocity would answer, such as card_attempts_1h=5; may be repeated")
	cmd.Flags().BoolVar(&firstTime, "first-time", false, "velocity has seen nothing of the customer, the card and the rest before")
	cmd.Flags().StringVar(&answers, "velocity-file", "", "file with what velocity would answer, a JSON object of texts by name")
	cmd.Flags().StringVar(&at, "at", "", "the moment of the evaluation, for list entries that expire (default now)")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if file == "" && len(args) != 1 {
			return errors.New("what is to be explained? Name one payment, payout, command or event, or a file with --command")
		}
		return nil
	}
	a.addConfigFlags(cmd)
	return cmd
}

func explain(out io.Writer, set *rules.Set, in rules.Input) error {
	d, results := set.Explain(in)
	if d.RuleSet == "" {
		_, err := fmt.Fprintln(out, "no rule is evaluated for it; it passes")
		return err
	}
	if len(results) == 0 {
		_, err := fmt.Fprintln(out, noRule(set, in.Stage()))
		return err
	}
	err := printResults(out, results)
	if err != nil {
		return err
	}
	if err := printAnswers(out, set, in.Features, in.Now); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\noutcome   %s\nreasons   %s\nscore     %d\nrule set  %s\n", d.Outcome, strings.Join(d.Reasons, ", "), d.Score, d.RuleSet)
	return err
}

// noRule says why no rule of a set was evaluated: that the command passes says nothing of them.
func noRule(set *rules.Set, stage topics.Stage) string {
	var stages []string
	for _, r := range set.Rules() {
		if !slices.Contains(stages, string(r.Stage)) {
			stages = append(stages, string(r.Stage))
		}
	}
	switch {
	case len(stages) == 0:
		return "the rule set has no rules, so it says nothing of this; limits of responsible gaming depend on what was counted, and cannot be tried here"
	case !slices.Contains(stages, string(stage)):
		return fmt.Sprintf("the rule set says nothing of this: it is of stage %s, the rules are of stage %s", stage, strings.Join(stages, ", "))
	}
	return fmt.Sprintf("the rule set says nothing of this: none of its rules of stage %s is for its tenant, region and kind of command", stage)
}

func printResults(out io.Writer, results []topics.RuleResult) error {
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "RULE\tRESULT\tASKS FOR\tREAD\tDETAIL")
		for _, r := range results {
			asks := string(r.Outcome)
			if r.Shadow {
				asks = strings.TrimSpace("(shadow) " + asks)
			}
			read := make([]string, 0, len(r.Read))
			for _, name := range slices.Sorted(maps.Keys(r.Read)) {
				read = append(read, name+" "+r.Read[name])
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Rule, r.Result, asks, strings.Join(read, ", "), r.Detail)
		}
	})
}

func newRulesFieldsCommand(a *app) *cobra.Command {
	stage := string(topics.StageBeforeAuthorization)
	cmd := &cobra.Command{
		Use:   "fields",
		Short: "List every field that a rule may read",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(rules.Stages(), topics.Stage(stage)) {
				return usageError{fmt.Errorf("--stage: %q is none of %s", stage, stageNames())}
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "FIELD\tEXAMPLE\tMAY BE MISSING\tMEANING")
			for _, f := range rules.FieldsAt(topics.Stage(stage)) {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, f.Example, yesNo(!f.Required), f.Doc)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&stage, "stage", stage, "the stage that the rule is for: "+stageNames())
	return cmd
}

func stageNames() string {
	var names []string
	for _, s := range rules.Stages() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}
