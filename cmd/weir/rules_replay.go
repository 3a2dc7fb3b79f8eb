package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/internal/replay"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func newRulesReplayCommand(a *app) *cobra.Command {
	var path string
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Recompute old decisions and compare them with what was decided",
		Long: `Recompute the decisions of risk.decisions.v1 from the commands in the inbox, each under the rule set that made it and
with the lists as they were edited then, and compare them byte for byte. Rule sets come from risk.rules.v1, from --rules, and from the configuration. Commands are kept
for 45 days; older decisions are counted and left out. Exit status 1: a decision came out differently, or its rule set is
not to be had.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config) error {
				known, err := knownSets(ctx, a, kafka, c, path)
				if err != nil {
					return err
				}
				edits, err := listtopic.All(ctx, kafka)
				if err != nil {
					return err
				}
				r := replay.Config{Kafka: kafka, Set: known, Edits: edits, Differs: func(d *replay.Difference) error { return printDifference(a.out, d) }}
				if since > 0 {
					r.Since = time.Now().Add(-since)
				}
				s, err := replay.Run(ctx, r)
				if err != nil {
					return err
				}
				return reportReplay(a.out, &s)
			})
		},
	}
	cmd.Flags().StringVar(&path, "rules", "", "rule file or directory of a set that was not deployed to the topic")
	cmd.Flags().DurationVar(&since, "since", 0, "only decisions of this last time, such as 24h (default all)")
	a.addConfigFlags(cmd)
	return cmd
}

// knownSets finds rule sets by their hash: the one at path, that of the configuration's files, and those that were deployed.
func knownSets(ctx context.Context, a *app, kafka []kgo.Opt, c *config.Config, path string) (func(string) *rules.Set, error) {
	sets := map[string]*rules.Set{}
	if set := configuredRules(c); set != nil {
		sets[set.Hash()] = set
	}
	if path != "" {
		set, err := loadRules(a, []string{path})
		if err != nil {
			return nil, err
		}
		sets[set.Hash()] = set
	}
	reader, err := ruletopic.NewReader(kafka, c.Risk.FourEyes)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	book, _, err := reader.Read(ctx)
	if err != nil {
		return nil, err
	}
	return func(hash string) *rules.Set {
		set, tried := sets[hash]
		if tried {
			return set
		}
		if d, _ := book.Set(hash); d != nil {
			// One that this version of weir knows by another hash would not name it in its decisions.
			if found, err := ruletopic.Unpack(d.Archive); err == nil && found.Hash() == hash {
				set = found
			}
		}
		sets[hash] = set
		return set
	}, nil
}

func printDifference(out io.Writer, d *replay.Difference) error {
	fmt.Fprintf(out, "payment %s, command %s, rule set %s\n", d.Recorded.PaymentID, d.Recorded.CommandID, d.Recorded.RuleSet)
	for _, said := range []struct {
		when string
		of   *topics.Decision
	}{{"recorded", &d.Recorded}, {"recomputed", &d.Recomputed}} {
		fmt.Fprintf(out, "  %-10s  %s, reasons %v, score %d, %d evaluated\n", said.when, said.of.Outcome, said.of.Reasons, said.of.Score, said.of.Evaluated)
	}
	for _, r := range d.Recorded.Rules {
		if !slices.ContainsFunc(d.Recomputed.Rules, func(now topics.RuleResult) bool { return sameResult(&r, &now) }) {
			fmt.Fprintf(out, "  then  %s: %s %s %s %v\n", r.Rule, r.Result, r.Outcome, r.Detail, r.Read)
		}
	}
	for _, r := range d.Recomputed.Rules {
		if !slices.ContainsFunc(d.Recorded.Rules, func(then topics.RuleResult) bool { return sameResult(&r, &then) }) {
			fmt.Fprintf(out, "  now   %s: %s %s %s %v\n", r.Rule, r.Result, r.Outcome, r.Detail, r.Read)
		}
	}
	return nil
}

func sameResult(a, b *topics.RuleResult) bool {
	return a.Rule == b.Rule && a.Result == b.Result && a.Outcome == b.Outcome && a.Detail == b.Detail && a.Shadow == b.Shadow && maps.Equal(a.Read, b.Read)
}

func reportReplay(out io.Writer, s *replay.Summary) error {
	fmt.Fprintf(out, "%s reproduced, %d different\n", counted(s.Same, "decision"), s.Different)
	if s.Gone > 0 {
		fmt.Fprintf(out, "%s left out: the inbox does not hold their commands any more\n", counted(s.Gone, "decision"))
	}
	if s.Unread > 0 {
		fmt.Fprintf(out, "%s read edits of lists that risk.lists.v1 does not have: it was created anew, or is another one\n", counted(s.Unread, "decision"))
	}
	for _, hash := range slices.Sorted(maps.Keys(s.Unknown)) {
		fmt.Fprintf(out, "%s by rule set %s, which is not to be had: pass its files with --rules\n", counted(s.Unknown[hash], "decision"), hash)
	}
	if s.Different > 0 || s.Unread > 0 || len(s.Unknown) > 0 {
		return errProblems
	}
	return nil
}
