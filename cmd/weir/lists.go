package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func newListsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lists",
		Short: "Look at the lists of the rules, and edit those that are editable",
		Long: `Look at the lists of the rules in force, and edit those that their rule file declares as editable: true. An edit is in force
in every process within about a second; no rule set has to be saved or deployed. risk.lists.v1 keeps who edited what, when
and why, for ever.

An edit of a list with four_eyes: true waits until weir lists approve puts it into force, for 30 days at most; of each tenant
at most 10,000 changes of a list wait at once, and more are refused. Turning four_eyes on or off leaves in force what is.

Edits are one tenant's (--tenant), or everyone's where no tenant's own edit says otherwise.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newListsShowCommand(a), newListsEditCommand(a, false), newListsEditCommand(a, true), newListsImportCommand(a),
		newListsSettleCommand(a, true), newListsSettleCommand(a, false), newListsHistoryCommand(a))
	return cmd
}

// setInForce is the rule set that processes with this configuration decide by.
func setInForce(ctx context.Context, a *app, kafka []kgo.Opt, c *config.Config) (*rules.Set, error) {
	if c.Risk.RulesFrom == "topic" {
		reader, err := ruletopic.NewReader(kafka, c.Risk.FourEyes)
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		book, _, err := reader.Read(ctx)
		if err != nil {
			return nil, err
		}
		if d := book.InForce(); d != nil {
			return ruletopic.Unpack(d.Archive)
		}
	}
	if c.Risk.Rules == "" {
		return loadRules(a, nil)
	}
	return loadRules(a, []string{c.Risk.Rules})
}

// withLists calls f with a desk for the lists of the rule set in force.
func (a *app) withLists(cmd *cobra.Command, f func(context.Context, *listtopic.Desk, *rules.Set) error) error {
	return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config) error {
		set, err := setInForce(ctx, a, kafka, c)
		if err != nil {
			return err
		}
		desk, err := listtopic.Open(kafka, func() *rules.Set { return set })
		if err != nil {
			return err
		}
		defer desk.Close()
		return f(ctx, desk, set)
	})
}

const tenantOfList = "whose list it is (default everyone's)"

func newListsShowCommand(a *app) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show the entries of a list that count now, or name the lists there are",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLists(cmd, func(ctx context.Context, desk *listtopic.Desk, set *rules.Set) error {
				if len(args) == 0 {
					return printLists(a.out, set)
				}
				entries, waiting, err := desk.Entries(ctx, args[0], tenant, time.Now())
				if err != nil {
					return err
				}
				if err := printEntries(a.out, entries); err != nil {
					return err
				}
				if brands, err := desk.Brands(ctx, args[0]); err != nil {
					return err
				} else if tenant == "" && len(brands) > 0 {
					fmt.Fprintf(a.out, "this is what counts for everyone; besides, there are edits of their own of --tenant %s\n", strings.Join(brands, ", "))
				}
				return printWaiting(a.out, waiting)
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", tenantOfList)
	a.addConfigFlags(cmd)
	return cmd
}

func printLists(out io.Writer, set *rules.Set) error {
	if len(set.Lists()) == 0 {
		_, err := fmt.Fprintln(out, "the rule set in force has no lists")
		return err
	}
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "LIST\tMATCH\tEDITABLE\tENTRIES OF ITS FILE")
		for _, l := range set.Lists() {
			editable := yesNo(l.Editable)
			if l.FourEyes {
				editable = "yes, by two people"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", l.Name, l.Match, editable, len(l.Entries))
		}
	})
}

func printEntries(out io.Writer, entries []rules.Listed) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintln(out, "the list has no entries")
		return err
	}
	slices.SortFunc(entries, func(a, b rules.Listed) int { return cmp.Compare(a.Value, b.Value) })
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "VALUE\tEXPIRES\tWHOSE\tAUTHOR\tAPPROVER\tSINCE\tREASON")
		for _, e := range entries {
			whose, author, approver, since := "rule file", "", "", ""
			if r := e.Record; r != nil {
				whose, author, approver, since = ownerOf(r.Tenant), r.Author, r.Approver, r.At.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Value, expiry(e.Expires), whose, author, approver, since, e.Reason)
		}
	})
}

// ownerOf is the name of a list's owner.
func ownerOf(tenant string) string { return cmp.Or(tenant, "everyone") }

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func printWaiting(out io.Writer, waiting map[string]rules.Waiting) error {
	if len(waiting) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\nwaits for another person's approval (weir lists approve), for %d days at most:\n", rules.WaitingDays)
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "EDIT\tWHAT\tWHOSE\tAUTHOR\tTIME\tREASON")
		for _, id := range slices.Sorted(maps.Keys(waiting)) {
			e := waiting[id]
			what := string(e.Action) + " " + e.Value
			if e.Records > 1 {
				what = fmt.Sprintf("import of %d changes, the first: %s", e.Records, what)
			}
			fmt.Fprintf(w, "%.8s\t%s\t%s\t%s\t%s\t%s\n", id, what, ownerOf(e.Tenant), e.Author, e.At.UTC().Format(time.RFC3339), e.Reason)
		}
	})
}

// editFlags are the flags of every edit.
func editFlags(cmd *cobra.Command, e *listtopic.Edit) {
	cmd.Flags().StringVar(&e.Tenant, "tenant", "", tenantOfList)
	cmd.Flags().StringVar(&e.Author, "author", "", "who edits it")
	cmd.Flags().StringVar(&e.Reason, "reason", "", "why")
}

func newListsEditCommand(a *app, remove bool) *cobra.Command {
	var expires string
	e := listtopic.Edit{Remove: remove}
	cmd := &cobra.Command{
		Use:   "add NAME VALUE --author NAME --reason TEXT",
		Short: "Put a value into a list, or change its expiry or reason",
		Args:  two("a list and a value: weir lists add denied_devices dev_81 --author ann --reason \"account takeover\""),
	}
	if remove {
		cmd.Use, cmd.Short = "remove NAME VALUE --author NAME --reason TEXT", "Take a value out of a list, be it one of the list's file"
		cmd.Args = two("a list and a value: weir lists remove denied_devices dev_81 --author ann --reason \"returned to its owner\"")
	} else {
		cmd.Flags().StringVar(&expires, "expires", "", "until when it counts: a date, to its end in UTC, or a moment (default for ever)")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e.List, e.Value = args[0], args[1]
		if expires != "" {
			var err error
			if e.Expires, err = rules.ParseExpiry(expires); err != nil {
				return usageError{fmt.Errorf("--expires: %w; write 2027-01-31, or 2027-01-31T18:00:00Z", err)}
			}
		}
		return a.withLists(cmd, func(ctx context.Context, desk *listtopic.Desk, _ *rules.Set) error {
			done, err := desk.Edit(ctx, e, time.Now())
			if err != nil {
				return err
			}
			what := "added to"
			if remove {
				what = "removed from"
			}
			return printEdit(a.out, &done, fmt.Sprintf("%s is %s the list %s of %s", e.Value, what, e.List, ownerOf(e.Tenant)), e.List)
		})
	}
	editFlags(cmd, &e)
	a.addConfigFlags(cmd)
	return cmd
}

func printEdit(out io.Writer, done *listtopic.Result, what, list string) (err error) {
	switch {
	case done.Proposed:
		_, err = fmt.Fprintf(out, "the edit %.8s waits for approval by another person:\nweir lists approve %s %.8s --author NAME\n", done.EditID, list, done.EditID)
	case done.Unchanged:
		_, err = fmt.Fprintln(out, "nothing to do: the list has it so already")
	default:
		_, err = fmt.Fprintln(out, what)
	}
	return err
}

// two takes exactly two arguments; what says of which kind, with an example.
func two(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return errors.New("want " + what)
		}
		return nil
	}
}

func newListsImportCommand(a *app) *cobra.Command {
	var e listtopic.Edit
	var replace, shrink bool
	cmd := &cobra.Command{
		Use:   "import NAME FILE --author NAME --reason TEXT",
		Short: "Put the entries of a CSV file into a list, all or none",
		Long: `Put the entries of a CSV file, with the heading value,expires,reason, into a list: all of them in one moment, or none. What the
list has already is left as it is. With --replace, what the file does not have is taken out; an import
that would leave less than half of the list is refused without --shrink.`,
		Args: two("a list and a CSV file: weir lists import denied_devices devices.csv --author ann --reason \"monthly\""),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.List = args[0]
			text, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			return a.withLists(cmd, func(ctx context.Context, desk *listtopic.Desk, set *rules.Set) error {
				list, err := set.List(e.List)
				if err != nil {
					return err
				}
				entries, err := list.ReadEntries(args[1], text)
				if err != nil {
					return err
				}
				others := listtopic.Keep
				switch {
				case replace && shrink:
					others = listtopic.ReplaceMost
				case replace:
					others = listtopic.Replace
				}
				done, err := desk.Import(ctx, e, entries, others, time.Now())
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "the list %s of %s: %d added, %d removed, %d were there\n", e.List, ownerOf(e.Tenant), done.Added, done.Removed, done.Unchanged)
				if done.Proposed && done.Added+done.Removed > 0 {
					return printEdit(a.out, &listtopic.Result{EditID: done.EditID, Proposed: true}, "", e.List)
				}
				return nil
			})
		},
	}
	editFlags(cmd, &e)
	cmd.Flags().BoolVar(&replace, "replace", false, "take out what the file does not have")
	cmd.Flags().BoolVar(&shrink, "shrink", false, "with --replace: even if less than half of the list is left")
	a.addConfigFlags(cmd)
	return cmd
}

func newListsSettleCommand(a *app, approve bool) *cobra.Command {
	var e listtopic.Edit
	cmd := &cobra.Command{
		Use:   "approve NAME EDIT --author NAME",
		Short: "Put an edit that waits into force",
		Long: `Put an edit into force that waits, because its list says four_eyes: true. weir lists show names it, by its first digits; whoever
approves it must be another person than its author. After 30 days without approval it is dropped.`,
		Args: two("a list and an edit that waits: weir lists approve denied_devices 4405c1b8 --author bob"),
	}
	done := "is in force"
	if !approve {
		cmd.Use, cmd.Short, cmd.Long = "reject NAME EDIT --author NAME --reason TEXT", "Drop an edit that waits", ""
		cmd.Args, done = two("a list and an edit that waits: weir lists reject denied_devices 4405c1b8 --author bob --reason \"a mistake\""), "is dropped"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withLists(cmd, func(ctx context.Context, desk *listtopic.Desk, _ *rules.Set) error {
			of, err := desk.Settle(ctx, args[0], e.Tenant, args[1], approve, e.Author, e.Reason, time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "the edit of %s (%s %s) %s\n", of.Author, of.Action, of.Value, done)
			return err
		})
	}
	editFlags(cmd, &e)
	alsoCalled(cmd, &e.Author, "approver")
	a.addConfigFlags(cmd)
	return cmd
}

// alsoCalled takes a flag by the name that it has in another command, too.
func alsoCalled(cmd *cobra.Command, value *string, name string) {
	cmd.Flags().StringVar(value, name, "", "")
	cmd.Flags().Lookup(name).Hidden = true
}

func newListsHistoryCommand(a *app) *cobra.Command {
	var tenant, value string
	cmd := &cobra.Command{
		Use:   "history NAME",
		Short: "List every edit of a list: when, by whom, why",
		Args:  one("list: weir lists history denied_devices"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config) error {
				history, err := listtopic.History(ctx, kafka, func(e *topics.ListEdit) bool {
					return e.List == args[0] && (!cmd.Flags().Changed("tenant") || e.Tenant == tenant) && (value == "" || e.Value == value)
				})
				if err != nil {
					return err
				}
				return printPast(a.out, history)
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "only edits of this tenant's list; of everyone's where it is empty")
	cmd.Flags().StringVar(&value, "value", "", "only edits of this value")
	a.addConfigFlags(cmd)
	return cmd
}

func printPast(out io.Writer, history []listtopic.Past) error {
	if len(history) == 0 {
		_, err := fmt.Fprintln(out, "the list was not edited")
		return err
	}
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "TIME\tWHAT\tVALUE\tEXPIRES\tWHOSE\tAUTHOR\tEDIT\tREASON")
		for i := range history {
			e := &history[i]
			what, expires := string(e.Action), ""
			if e.Propose {
				what = "propose to " + what
			}
			if e.Why != nil {
				what += " (without effect: " + e.Why.Error() + ")"
			}
			if e.Action == topics.ListAdd {
				expires = expiry(e.Expires)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.8s\t%s\n", e.At.UTC().Format(time.RFC3339), what, e.Value, expires, ownerOf(e.Tenant), e.Author, e.EditID, e.Reason)
		}
	})
}
