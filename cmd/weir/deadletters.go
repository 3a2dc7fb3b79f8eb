package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/deadletters"
	"github.com/weirhq/weir/topics"
)

func newDeadLettersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletters",
		Short: "List the records that were put aside, and write them back to where they came from",
		Long: `A record that cannot be processed is put aside: its dead letter holds the record as it was, and why. A card number in it
is masked.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLettersListCommand(a), newDeadLettersReplayCommand(a))
	return cmd
}

// letterFlags are the filters of both commands.
type letterFlags struct {
	reason, since string
	limit         int
}

func (f *letterFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "only letters with this reason: undecodable, invalid, poison, too_old, unknown_payment or unknown_event")
	cmd.Flags().StringVar(&f.since, "since", "", "only letters put aside since then: an age such as 24h, or a time such as 2026-01-31T09:30:00Z")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "at most so many letters, the first of them by topic, partition and offset; 0: all")
}

func (f *letterFlags) filter(now time.Time) (deadletters.Filter, error) {
	filter := deadletters.Filter{Reason: topics.RefusalCode(f.reason)}
	if f.limit < 0 {
		return filter, fmt.Errorf("%w: flag --limit: want 0 or more", errConfiguration)
	}
	if f.since == "" {
		return filter, nil
	}
	if age, err := time.ParseDuration(f.since); err == nil && age > 0 {
		filter.Since = now.Add(-age)
		return filter, nil
	}
	at, err := time.Parse(time.RFC3339, f.since)
	if err != nil {
		return filter, fmt.Errorf("%w: flag --since: want an age such as 24h, or a time such as 2026-01-31T09:30:00Z", errConfiguration)
	}
	filter.Since = at
	return filter, nil
}

func completeLetterTopics(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names, _ := deadletters.Topics()
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newDeadLettersListCommand(a *app) *cobra.Command {
	var flags letterFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [TOPIC…]",
		Short: "Print the dead letters that there are now",
		Long: `Print the dead letters that there are now, of all dead-letter topics or of those that are named; a topic that records came
from stands for its dead letters. LETTER and CAME FROM are topic:partition:offset, of the dead letter and of the record.
It changes nothing. With --json each line is one letter with all that is stored: key, value and headers in base64.`,
		ValidArgsFunction: completeLetterTopics,
		RunE: func(cmd *cobra.Command, args []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			filter.Topics = args
			return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config, _ *slog.Logger) error {
				if asJSON {
					return listLetters(ctx, kafka, filter, flags.limit, a.printLetterJSON)
				}
				table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "PUT ASIDE\tLETTER\tCAME FROM\tREASON\tABOUT\tDETAIL")
				rows := 0
				err := listLetters(ctx, kafka, filter, flags.limit, func(l *deadletters.Letter) error {
					_, err := fmt.Fprintf(table, "%s\t%s\t%s\n", l.PutAside.Format(time.RFC3339), l.ID, letterRow(l))
					if rows++; rows%alignedRows == 0 {
						err = errors.Join(err, table.Flush())
					}
					return err
				})
				return errors.Join(err, table.Flush())
			})
		},
	}
	a.addConfigFlags(cmd)
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object to a line")
	return cmd
}

var errEnough = errors.New("enough letters")

func listLetters(ctx context.Context, kafka []kgo.Opt, f deadletters.Filter, limit int, show func(*deadletters.Letter) error) error {
	shown := 0
	err := deadletters.Read(ctx, kafka, f, func(l *deadletters.Letter) error {
		if err := show(l); err != nil {
			return err
		}
		if shown++; shown == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// letterLine is a letter as JSON: the dead letter as it is stored, and where and when it was.
type letterLine struct {
	Letter   string    `json:"letter"`
	PutAside time.Time `json:"put_aside"`
	ReplayOf string    `json:"replay_of,omitempty"`
	deadletters.About
	Record *topics.DeadLetter `json:"record,omitempty"` // absent where error says why it cannot be read
	Error  string             `json:"error,omitempty"`
}

func (a *app) printLetterJSON(l *deadletters.Letter) error {
	line := letterLine{Letter: l.ID.String(), PutAside: l.PutAside, ReplayOf: l.ReplayOf, About: l.About(), Record: &l.Record}
	if l.Err != nil {
		line.Record, line.Error = nil, l.Err.Error()
	}
	out, err := topics.Marshal(&line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", out)
	return err
}

// Limits of the table.
const (
	alignedRows = 500 // held and aligned together
	shownKey    = 64  // characters of a record's own words
	shownDetail = 160
)

func letterRow(l *deadletters.Letter) string {
	if l.Err != nil {
		return "\tunreadable\t\t" + printable(l.Err.Error(), shownDetail)
	}
	about, id := []string{}, l.About()
	for _, part := range []struct{ name, value string }{
		{"key", string(l.Record.Key)}, {"command", id.CommandID}, {"payment", id.PaymentID}, {"report", id.ReportID}, {"replay of", l.ReplayOf},
	} {
		if part.value != "" {
			about = append(about, part.name+" "+printable(part.value, shownKey))
		}
	}
	detail, _, _ := strings.Cut(l.Record.Detail, "\n") // a panic's stack follows
	return fmt.Sprintf("%s\t%s\t%s\t%s", l.Origin(), l.Record.Reason, strings.Join(about, ", "), printable(detail, shownDetail))
}

func newDeadLettersReplayCommand(a *app) *cobra.Command {
	var flags letterFlags
	var from []string
	var yes, answered bool
	cmd := &cobra.Command{
		Use:   "replay [LETTER…]",
		Short: "Write records that were put aside back to the topics and partitions that they came from",
		Long: `Write records that were put aside back to the topics and partitions that they came from, as they were, with a header that
names the letter. Choose letters by topic:partition:offset as list prints it (or partition:offset of one --topic), or all
of a --topic, with the filters of list. Mend what was wrong first: what cannot be processed is put aside again. Without
--yes nothing is written.

What is refused, because it could have a second effect or none: requests to PSPs; what was masked or cut short; what this
version cannot read; records of which a copy may have been applied 30 days ago or more; and, without --answered, commands
of the inbox, whose authors were told that they failed.

Anything else may be written again however often: it is recognised. Exit status 1 where a chosen letter is refused.`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			filter, err := flags.filter(now)
			if err != nil {
				return err
			}
			if filter.Topics = from; len(from) == 0 && len(args) == 0 {
				return fmt.Errorf("%w: nothing is chosen: name letters, or a --topic whose letters are meant", errConfiguration)
			}
			if filter.Letters, err = letterArguments(args, from); err != nil {
				return fmt.Errorf("%w: %w", errConfiguration, err)
			}
			return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config, _ *slog.Logger) error {
				letters, err := deadletters.Choose(ctx, kafka, filter, flags.limit)
				if err != nil {
					return err
				}
				return a.replay(ctx, kafka, letters, func(l *deadletters.Letter) string { return l.Refusal(now, answered) }, yes)
			})
		},
	}
	a.addConfigFlags(cmd)
	flags.add(cmd)
	cmd.Flags().StringArrayVar(&from, "topic", nil, "only letters of this dead-letter topic; may be repeated")
	cmd.Flags().BoolVar(&answered, "answered", false, "commands of the inbox, too: nobody who was told that they failed has asked again")
	cmd.Flags().BoolVar(&yes, "yes", false, "write; without it the command says what it would do")
	return cmd
}

func letterArguments(args, from []string) ([]deadletters.ID, error) {
	topic := ""
	if len(from) == 1 {
		topic = from[0]
		if t, ok := topics.Lookup(topic); ok && t.DeadLetters != "" {
			topic = t.DeadLetters
		}
	}
	var ids []deadletters.ID
	for _, arg := range args {
		id, err := deadletters.ParseID(arg, topic)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// replay writes the letters that are not refused, one after the other, and says what became of each at once: after an
// interruption it is known how far it came.
func (a *app) replay(ctx context.Context, kafka []kgo.Opt, letters []*deadletters.Letter, refusal func(*deadletters.Letter) string, yes bool) error {
	writer, err := deadletters.NewWriter(kafka)
	if err != nil {
		return err
	}
	defer writer.Close()
	accepted := 0
	for _, l := range letters {
		if why := refusal(l); why != "" {
			fmt.Fprintf(a.out, "%s: refused: %s\n", l.ID, printable(why, 2*shownDetail))
			continue
		}
		accepted++
		if !yes {
			fmt.Fprintf(a.out, "%s: would be written to %s, partition %d\n", l.ID, l.Record.Topic, l.Record.Partition)
			continue
		}
		written, err := writer.Write(ctx, l)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s: written again as %s\n", l.ID, written)
	}
	summary := "%d of %d written again\n"
	if !yes {
		summary = "%d of %d would be written again; nothing was, without --yes\n"
	}
	fmt.Fprintf(a.out, summary, accepted, len(letters))
	if accepted < len(letters) {
		return errProblems
	}
	return nil
}

// printable is text for a terminal: what steers one is replaced, and it ends after some characters.
func printable(s string, limit int) string {
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	cut := len(runes) > limit
	for i, r := range runes[:min(len(runes), limit)] {
		if !strconv.IsPrint(r) {
			runes[i] = '\uFFFD'
		}
	}
	if cut {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}
