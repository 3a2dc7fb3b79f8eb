package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// explainDecided prints the decisions on a payment, a payout, a command or a customer event from the event log.
func explainDecided(a *app, cmd *cobra.Command, what string) error {
	_, err := topics.PartitionOfReference(what)
	id, notUUID := uuid.FromString(what)
	if err != nil && notUUID != nil {
		return usageError{fmt.Errorf("%w; nor is it the UUID of a command or an event", err)}
	}
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, _ *slog.Logger) error {
		log, err := view.NewEventLog(db.Pool)
		if err != nil {
			return err
		}
		var decisions []topics.Decision
		if notUUID == nil {
			decisions, err = log.DecisionsOn(ctx, id)
		} else if payout, notPayout := topics.ParsePayoutID(what); notPayout == nil {
			decisions, err = log.PayoutDecisions(ctx, payout)
		} else {
			decisions, err = log.Decisions(ctx, what)
		}
		if err != nil {
			return err
		}
		if len(decisions) == 0 {
			return fmt.Errorf("%s: no decision is recorded; there is none of this id, or no rule is evaluated for what was asked", what)
		}
		known := a.setsOf(cmd, c)
		for i := range decisions {
			if i > 0 {
				fmt.Fprintln(a.out)
			}
			if err := printDecision(a.out, &decisions[i], known(decisions[i].RuleSet)); err != nil {
				return err
			}
		}
		return nil
	})
}

// setsOf finds the rule set of a decision, nil where it is not to be had: it says of which unit an answer is, and names rules.
func (a *app) setsOf(cmd *cobra.Command, c *config.Config) func(hash string) *rules.Set {
	set := configuredRules(c)
	known := func(hash string) *rules.Set {
		if set == nil || set.Hash() != hash {
			return nil
		}
		return set
	}
	if c.Risk.RulesFrom == "topic" {
		_ = a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config, _ *slog.Logger) (err error) {
			deployed, err := knownSets(ctx, a, kafka, c, "")
			if err == nil {
				known = deployed
			}
			return err
		}) // without the broker a decision is explained in fewer words
	}
	return known
}

// configuredRules is the rule set of the configuration's files, nil where it cannot be used: it only helps to name rules.
func configuredRules(c *config.Config) *rules.Set {
	var paths []string
	if c.Risk.Rules != "" {
		paths = []string{c.Risk.Rules}
	}
	set, err := loadRules(&app{out: io.Discard, errOut: io.Discard}, paths)
	if err != nil {
		return nil
	}
	return set
}

// decided is what happened by the rules and by the limits of responsible gaming, which no rule lifts, with the reasons.
func decided(d *topics.Decision) (outcome string, reasons []string) {
	l := d.GamingLimit
	if l == nil || l.Outcome == "" {
		return string(d.Outcome), d.Reasons
	}
	reasons = append([]string{l.Reason()}, d.Reasons...)
	if d.Outcome == topics.OutcomeBlock || d.Outcome == l.Outcome {
		return string(d.Outcome), reasons
	}
	return fmt.Sprintf("%s, for the limit %s; the rules: %s", l.Outcome, l.Reason(), cmp.Or(d.Outcome, topics.OutcomePass)), reasons
}

func printDecision(out io.Writer, d *topics.Decision, set *rules.Set) error {
	outcome, reasons := decided(d)
	for _, line := range [...][2]string{
		{"payment", d.PaymentID}, {"customer", besides(d.PaymentID, d.CustomerID)}, {"command", d.CommandID}, {"event", d.EventID}, {"stage", string(d.Stage)},
		{"at", d.At.UTC().Format(time.RFC3339Nano)}, {"outcome", outcome}, {"approved", d.ApprovedBy},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-8s  %s\n", line[0], line[1])
		}
	}
	fmt.Fprintf(out, "reasons   %s\nscore     %d\nrule set  %s\n\n", strings.Join(reasons, ", "), d.Score, d.RuleSet)
	if err := printResults(out, d.Rules); err != nil {
		return err
	}
	printMisses(out, d, set)
	if d.ListEdits > 0 {
		fmt.Fprintf(out, "lists as of the edits before offset %d of %s\n", d.ListEdits, topics.Lists)
	}
	if len(d.Tripped) > 0 {
		fmt.Fprintf(out, "tripped, because they had blocked too much: %s; the results are those of trip_to, hold or the shadow\n", strings.Join(d.Tripped, ", "))
	}
	printGamingLimit(out, d.GamingLimit)
	if err := printAnswers(out, set, d.Features, d.At); err != nil {
		return err
	}
	if e := d.Enrichment; e != nil {
		said := fmt.Sprintf("ip.asn %s, ip.country %s", orMissing(e.ASN), orMissing(e.IPCountry))
		if b := e.BIN; b != nil {
			said += fmt.Sprintf(", bin: scheme %s, brand %s, type %s, country %s, issuer %s, risk %d", orMissing(b.Scheme), orMissing(b.Brand),
				orMissing(b.Type), orMissing(b.Country), orMissing(b.Issuer), b.Risk)
		}
		fmt.Fprintf(out, "\ndata files: %s\n", said)
	}
	if c := d.Candidate; c != nil {
		fmt.Fprintf(out, "\ncandidate %s: %s, reasons %s, score %d\n", c.RuleSet, orMissing(string(c.Outcome)), strings.Join(c.Reasons, ", "), c.Score)
	}
	return nil
}

// besides is the customer where no payment tells whose it is.
func besides(payment, customer string) string {
	if payment != "" {
		return ""
	}
	return customer
}

func orMissing(v string) string {
	if v == "" {
		return "(missing)"
	}
	return v
}

// printMisses tells of the rules that the decision leaves out, by name where the set is at hand.
func printMisses(out io.Writer, d *topics.Decision, set *rules.Set) {
	missed := d.Evaluated - len(d.Rules)
	if missed <= 0 {
		return
	}
	fmt.Fprintf(out, "%s missed", plural(missed, "other rule", "other rules"))
	if set != nil && set.Hash() == d.RuleSet {
		var names []string
		for _, r := range set.Rules() {
			said := slices.ContainsFunc(d.Rules, func(s topics.RuleResult) bool { return s.Rule == r.Name })
			if !said && r.Enabled {
				names = append(names, r.Name)
			}
		}
		if len(names) == missed { // else some were not evaluated for this payment
			fmt.Fprintf(out, ": %s", strings.Join(names, ", "))
		}
	}
	fmt.Fprintln(out)
}

func printAnswers(out io.Writer, set *rules.Set, features map[string]topics.Feature, asked time.Time) error {
	if len(features) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "VELOCITY\tANSWER")
		for _, name := range slices.Sorted(maps.Keys(features)) {
			f := features[name]
			answer := fmt.Sprint(f.Value)
			if set != nil {
				answer = set.AnswerText(name, f, asked)
			}
			switch {
			case f.Missing:
				answer = "(missing)"
			case !f.WarmingUntil.IsZero():
				answer += " (warming until " + f.WarmingUntil.UTC().Format(time.RFC3339) + ")"
			case f.Approximate:
				answer += " (at most)"
			}
			fmt.Fprintf(w, "%s\t%s\n", name, answer)
		}
	})
}
