package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/fsck"
)

// progressEvery is how often a check that takes long tells how far it is.
const progressEvery = 5 * time.Second

// gcPercent lets the heap of a check grow to some ten MiB more: it holds little at a time, and what it allocates for one
// record is garbage by the next.
const gcPercent = 200

func newFsckCommand(a *app) *cobra.Command {
	var databaseOnly, booksOnly bool
	var settle time.Duration
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Recompute everything that must agree and print each difference",
		Long: `Recompute balances from entries, payments from their events, entries and topics from the log, and print each problem with
the ids to look at. It changes nothing, needs little memory whatever the size, and works while the engine runs and while
it is stopped. Exit status 1 if anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
				check := fsck.Config{Database: db, Settle: settle, Counts: new(fsck.Counts)}
				check.BooksOnly = booksOnly
				var err error
				if check.CustomerKeys, err = c.CustomerKeys(); err != nil {
					return err
				}
				if databaseOnly || booksOnly {
					return a.fsck(ctx, check)
				}
				return a.withBroker(c, log, func(kafka []kgo.Opt) error {
					check.Kafka = kafka
					return a.fsck(ctx, check)
				})
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&databaseOnly, "database-only", false, "leave the topics out")
	cmd.Flags().BoolVar(&booksOnly, "books-only", false, "check that entries and balances add up, and nothing else: some times faster")
	cmd.Flags().DurationVar(&settle, "settle", 0, "how long to wait for what is on its way to the topics (default 5s)")
	return cmd
}

// fsck runs the check and prints what it finds.
func (a *app) fsck(ctx context.Context, check fsck.Config) error {
	check.Problem = func(p fsck.Problem) { fmt.Fprintln(a.out, p) }
	check.Note = func(note string) { fmt.Fprintln(a.out, "note:", note) }
	stop := showProgress(a.errOut, check.Counts)
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	_, err := fsck.Run(ctx, check)
	stop()
	if err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	problems := check.Counts.Problems.Load()
	if _, err := fmt.Fprintf(a.out, "checked: %s\nfsck: %s\n", check.Counts, counted(int(problems), "problem")); err != nil {
		return err
	}
	if problems > 0 {
		return errProblems
	}
	return nil
}

// showProgress prints a line from time to time until the returned function is called.
func showProgress(out io.Writer, counts *fsck.Counts) (stop func()) {
	return meanwhile(func() {
		fmt.Fprintf(out, "fsck: %d of %d partitions; %d records, %d payments; %s so far\n", counts.Done.Load(),
			counts.Partitions.Load(), counts.Records.Load(), counts.Payments.Load(), counted(int(counts.Problems.Load()), "problem"))
	})
}

// meanwhile calls show from time to time until the returned function is called.
func meanwhile(show func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	ticker := time.NewTicker(progressEvery)
	go func() {
		defer close(ended)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				show()
			}
		}
	}()
	return func() { close(done); <-ended }
}
