package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// withRuleTopic is withKafka that prints the mistakes of a rule set.
func (a *app) withRuleTopic(cmd *cobra.Command, f func(context.Context, []kgo.Opt, *config.Config) error) error {
	return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config, _ *slog.Logger) error {
		return problemsOf(a, f(ctx, kafka, c))
	})
}

// problemsOf prints the mistakes of a rule set.
func problemsOf(a *app, err error) error {
	var problems rules.Problems
	if errors.As(err, &problems) {
		return printProblems(a, problems)
	}
	return err
}

// withDesk is withRuleTopic for those who change what is deployed.
func (a *app) withDesk(cmd *cobra.Command, f func(context.Context, *ruletopic.Desk, *config.Config) error) error {
	return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config) error {
		desk, err := ruletopic.Open(ctx, kafka, c.Risk.FourEyes)
		if err != nil {
			return err
		}
		defer desk.Close()
		return f(ctx, desk, c)
	})
}

func newRulesDeployCommand(a *app) *cobra.Command {
	var author, comment string
	var candidate, replace bool
	cmd := &cobra.Command{
		Use:   "deploy PATH --author NAME --comment TEXT",
		Short: "Put a rule set into force on all processes",
		Long: `Check the rule files at a path, run their tests and write the set to risk.rules.v1, from where every process with
risk.rules_from: topic takes it within seconds. Where risk.rules_four_eyes is set, it waits for weir rules approve first;
one that waits already is put aside for it with --replace alone.
--candidate deploys it beside the live set: it is evaluated and recorded, and changes no outcome.`,
		Args: one("rule file or directory: weir rules deploy rules --author ann --comment \"card testing\""),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := ruletopic.Pack(args[0])
			if err != nil {
				return problemsOf(a, err)
			}
			slot := topics.RulesLive
			if candidate {
				slot = topics.RulesCandidate
			}
			return a.withDesk(cmd, func(ctx context.Context, desk *ruletopic.Desk, c *config.Config) error {
				before, now := desk.Proposed(), desk.InForce()
				proposed, err := desk.Deploy(ctx, p, slot, author, comment, replace, time.Now())
				if err != nil {
					return err
				}
				printWarnings(a.errOut, p.Set)
				if proposed {
					if before != nil {
						fmt.Fprintf(a.out, "it replaces the rule set %.8s of %s (%s), which waited\n", before.RuleSet, before.Author, before.Comment)
					}
					fmt.Fprintf(a.out, "rule set %s waits for approval by another person", p.Set.Hash())
					if !c.Risk.FourEyes {
						fmt.Fprint(a.out, ", as the one in force did")
					}
					fmt.Fprintln(a.out, ":")
					if now != nil {
						fmt.Fprintf(a.out, "weir rules diff live %.8s\n", p.Set.Hash())
					} else {
						fmt.Fprintln(a.out, "weir rules show proposed --text")
					}
					fmt.Fprintf(a.out, "weir rules approve %.8s --approver NAME\n", p.Set.Hash())
				} else {
					fmt.Fprintf(a.out, "rule set %s is deployed as %s\n", p.Set.Hash(), slot)
				}
				if slot == topics.RulesLive {
					printReplaced(a.out, setBefore(now, c), p.Set)
				}
				if slot == topics.RulesLive && !proposed {
					fmt.Fprintln(a.out, "note: nobody else has approved it; processes with risk.rules_four_eyes: true keep the set that they have")
				}
				return remindOfTopic(a.out, c)
			})
		},
	}
	cmd.Flags().StringVar(&author, "author", "", "who deploys it")
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	cmd.Flags().BoolVar(&replace, "replace", false, "put it in the place of a set that waits for approval")
	cmd.Flags().BoolVar(&candidate, "candidate", false, "deploy it beside the live set, to be compared with it")
	a.addConfigFlags(cmd)
	return cmd
}

// setBefore is the set that a deployment takes the place of: what was deployed, or the files; nil where it cannot be used.
func setBefore(now *topics.RuleDeployment, c *config.Config) *rules.Set {
	if now == nil {
		return configuredRules(c)
	}
	set, err := ruletopic.Unpack(now.Archive)
	if err != nil {
		return nil
	}
	return set
}

// maxGone is how many of the rules, lists and limits that go are named.
const maxGone = 8

// printReplaced says what goes with the set that another takes the place of: a set replaces all of the one before.
func printReplaced(out io.Writer, before, after *rules.Set) {
	if before == nil {
		return
	}
	var gone []string
	for _, c := range rules.Diff(before, after) {
		if c.Key == "" && c.After == "" {
			gone = append(gone, c.What)
		}
	}
	fmt.Fprintf(out, "it replaces the whole set in force: %d -> %s, %d -> %s, %d -> %s\n", len(before.Rules()), counted(len(after.Rules()), "rule"),
		len(before.Lists()), counted(len(after.Lists()), "list"), len(before.AllGamingLimits()), counted(len(after.AllGamingLimits()), "gaming limit"))
	if all := len(gone); all > 0 {
		more := ""
		if all > maxGone {
			gone, more = gone[:maxGone], fmt.Sprintf(" and %d more", all-maxGone)
		}
		fmt.Fprintf(out, "what it does not have goes: %s%s\n", strings.Join(gone, ", "), more)
	}
}

// remindOfTopic says that nothing will change where processes take their rules from files.
func remindOfTopic(out io.Writer, c *config.Config) error {
	if c.Risk.RulesFrom == "topic" {
		return nil
	}
	_, err := fmt.Fprintln(out, "note: this configuration takes rules from files; processes need risk.rules_from: topic")
	return err
}

func newRulesApproveCommand(a *app) *cobra.Command {
	var approver, comment string
	cmd := &cobra.Command{
		Use:   "approve HASH --approver NAME",
		Short: "Put the rule set that waits for approval into force",
		Long: `Put the rule set that waits for approval into force. HASH, or its first digits, says which one was looked at: weir rules
diff live proposed shows what it changes, weir rules show proposed --text its files. The approver must be another person than the author.`,
		Args: one("hash of the rule set that was looked at: weir rules approve 4405c1b8 --approver bob"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDesk(cmd, func(ctx context.Context, desk *ruletopic.Desk, _ *config.Config) error {
				d, err := desk.Approve(ctx, args[0], approver, comment, time.Now())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "rule set %s of %s is deployed, approved by %s\n", d.RuleSet, d.Author, d.Approver)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&approver, "approver", "", "who approves it")
	alsoCalled(cmd, &approver, "author")
	cmd.Flags().StringVar(&comment, "comment", "", "what the approver has to say")
	a.addConfigFlags(cmd)
	return cmd
}

func newRulesRejectCommand(a *app) *cobra.Command {
	var author, comment string
	cmd := &cobra.Command{
		Use:   "reject HASH --author NAME --comment TEXT",
		Short: "Drop the rule set that waits for approval",
		Long:  `Drop the rule set that waits for approval; its author may do so, too. weir rules history goes on to tell of it.`,
		Args:  one("hash of the rule set that waits: weir rules reject 4405c1b8 --author bob --comment \"blocks guests\""),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDesk(cmd, func(ctx context.Context, desk *ruletopic.Desk, _ *config.Config) error {
				d, err := desk.Reject(ctx, args[0], author, comment, time.Now())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "rule set %s of %s is dropped\n", d.RuleSet, d.Author)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&author, "author", "", "who rejects it")
	alsoCalled(cmd, &author, "approver")
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	a.addConfigFlags(cmd)
	return cmd
}

func newRulesRollbackCommand(a *app) *cobra.Command {
	var to, author, comment string
	cmd := &cobra.Command{
		Use:   "rollback --author NAME",
		Short: "Go back to the rule set that was live before",
		Long: `Go back to the rule set that was live before the present one, or to any that was ever live (--to). It was approved
then where that is required, and needs no approval again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDesk(cmd, func(ctx context.Context, desk *ruletopic.Desk, c *config.Config) error {
				d, err := desk.Rollback(ctx, to, author, comment, time.Now())
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "rule set %s of %s is live again\n", d.RuleSet, d.Author)
				return remindOfTopic(a.out, c)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "hash of the rule set to go back to, or its first digits")
	cmd.Flags().StringVar(&author, "author", "", "who goes back")
	cmd.Flags().StringVar(&comment, "comment", "", "why")
	a.addConfigFlags(cmd)
	return cmd
}

func newRulesHistoryCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the rule sets that were deployed: when, by whom and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config) error {
				reader, err := ruletopic.NewReader(kafka, c.Risk.FourEyes)
				if err != nil {
					return err
				}
				defer reader.Close()
				book, _, err := reader.Read(ctx)
				if err != nil {
					return err
				}
				return printHistory(a.out, book)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func printHistory(out io.Writer, book *ruletopic.Book) error {
	if len(book.History) == 0 && book.Proposed == nil {
		_, err := fmt.Fprintln(out, "no rule set was deployed")
		return err
	}
	inForce, refused := book.InForce(), book.Refused()
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "TIME\tRULE SET\tAS\tRULES\tAUTHOR\tAPPROVER\tCOMMENT")
		row := func(d *topics.RuleDeployment, as string) {
			author := d.Author
			if d.RolledBackBy != "" {
				author += " (rolled back by " + d.RolledBackBy + ")"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.At.Format(time.RFC3339), d.RuleSet, as, d.Rules, author, d.Approver, d.Comment)
		}
		for i := range book.History {
			d := &book.History[i]
			as := d.Slot
			switch {
			case d.Slot != topics.RulesLive:
			case inForce != nil && inForce.At.Equal(d.At):
				as += ", in force"
			case refused != nil && refused.At.Equal(d.At):
				as += ", refused: nobody approved it"
			}
			row(d, as)
		}
		if book.Proposed != nil {
			row(&book.Proposed.RuleDeployment, "proposed")
		}
	})
}
